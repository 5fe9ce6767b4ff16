package resourcepoolstatusrequest

import (
	resourcev1alpha3 "k8s.io/api/resource/v1alpha3"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/resource/resourcepoolstatusrequest"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*resourcev1alpha3.ResourcePoolStatusRequest]{
	Group: "resource.k8s.io", Name: "resourcepoolstatusrequests", Singular: "resourcepoolstatusrequest",

	New: func() *resourcev1alpha3.ResourcePoolStatusRequest {
		return &resourcev1alpha3.ResourcePoolStatusRequest{}
	},
	NewList: func() runtime.Object { return &resourcev1alpha3.ResourcePoolStatusRequestList{} },
	Spec:    func(o *resourcev1alpha3.ResourcePoolStatusRequest) any { return &o.Spec },
	Status:  func(o *resourcev1alpha3.ResourcePoolStatusRequest) any { return &o.Status },

	DeletedObject:        true,
	ConditionalUpdate:    true,
	StatusKeepsMetadata:  stored.Metadata,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of resourcepoolstatusrequests.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
