package ingress

import (
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/networking/ingress"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*networkingv1.Ingress]{
	Group: "networking.k8s.io", Name: "ingresses", Singular: "ingress",
	Namespaced: true,
	ShortNames: []string{"ing"},

	New:        func() *networkingv1.Ingress { return &networkingv1.Ingress{} },
	NewList:    func() runtime.Object { return &networkingv1.IngressList{} },
	Spec:       func(o *networkingv1.Ingress) any { return &o.Spec },
	Status:     func(o *networkingv1.Ingress) any { return &o.Status },
	Generation: true,

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of ingresses.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
