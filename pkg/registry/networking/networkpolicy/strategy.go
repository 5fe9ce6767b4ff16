package networkpolicy

import (
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/networking/networkpolicy"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*networkingv1.NetworkPolicy]{
	Group: "networking.k8s.io", Name: "networkpolicies", Singular: "networkpolicy",
	Namespaced: true,
	ShortNames: []string{"netpol"},

	New:        func() *networkingv1.NetworkPolicy { return &networkingv1.NetworkPolicy{} },
	NewList:    func() runtime.Object { return &networkingv1.NetworkPolicyList{} },
	Spec:       func(o *networkingv1.NetworkPolicy) any { return &o.Spec },
	Generation: true,

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
	Warnings:       rules.Warnings,
	UpdateWarnings: rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of networkpolicies.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
