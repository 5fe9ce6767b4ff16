package ingressclass

import (
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/networking/ingressclass"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*networkingv1.IngressClass]{
	Group: "networking.k8s.io", Name: "ingressclasses", Singular: "ingressclass",

	New:        func() *networkingv1.IngressClass { return &networkingv1.IngressClass{} },
	NewList:    func() runtime.Object { return &networkingv1.IngressClassList{} },
	Spec:       func(o *networkingv1.IngressClass) any { return &o.Spec },
	Generation: true,

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of ingressclasses.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
