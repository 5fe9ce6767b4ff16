package storageversion

import (
	v1alpha1 "k8s.io/api/apiserverinternal/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/apiserverinternal/storageversion"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*v1alpha1.StorageVersion]{
	Group: "internal.apiserver.k8s.io", Name: "storageversions", Singular: "storageversion",

	New:     func() *v1alpha1.StorageVersion { return &v1alpha1.StorageVersion{} },
	NewList: func() runtime.Object { return &v1alpha1.StorageVersionList{} },
	Spec:    func(o *v1alpha1.StorageVersion) any { return &o.Spec },
	Status:  func(o *v1alpha1.StorageVersion) any { return &o.Status },

	ConditionalUpdate:    true,
	StatusKeepsMetadata:  stored.Metadata,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of storageversions.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
