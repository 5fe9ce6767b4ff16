package resourceclaim

import (
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/resource/resourceclaim"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*resourcev1.ResourceClaim]{
	Group: "resource.k8s.io", Name: "resourceclaims", Singular: "resourceclaim", Versions: []string{"v1"},
	Namespaced: true,

	New:     func() *resourcev1.ResourceClaim { return &resourcev1.ResourceClaim{} },
	NewList: func() runtime.Object { return &resourcev1.ResourceClaimList{} },
	Spec:    func(o *resourcev1.ResourceClaim) any { return &o.Spec },
	Status:  func(o *resourcev1.ResourceClaim) any { return &o.Status },

	DeletedObject:        true,
	StatusKeepsMetadata:  stored.Metadata,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of resourceclaims.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
