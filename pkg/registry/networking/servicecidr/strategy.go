package servicecidr

import (
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/networking/servicecidr"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*networkingv1.ServiceCIDR]{
	Group: "networking.k8s.io", Name: "servicecidrs", Singular: "servicecidr",

	New:     func() *networkingv1.ServiceCIDR { return &networkingv1.ServiceCIDR{} },
	NewList: func() runtime.Object { return &networkingv1.ServiceCIDRList{} },
	Spec:    func(o *networkingv1.ServiceCIDR) any { return &o.Spec },
	Status:  func(o *networkingv1.ServiceCIDR) any { return &o.Status },

	StatusKeepsMetadata:  stored.Metadata,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of servicecidrs.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
