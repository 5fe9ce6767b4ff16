package lease

import (
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/coordination/lease"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*coordinationv1.Lease]{
	Group: "coordination.k8s.io", Name: "leases", Singular: "lease",
	Namespaced: true,

	AnyFinalizers: true,

	New:     func() *coordinationv1.Lease { return &coordinationv1.Lease{} },
	NewList: func() runtime.Object { return &coordinationv1.LeaseList{} },

	// The gate CoordinatedLeaderElection is off.
	DropDisabled: func(o, old *coordinationv1.Lease) {
		if old == nil || old.Spec.Strategy == nil && old.Spec.PreferredHolder == nil {
			o.Spec.Strategy, o.Spec.PreferredHolder = nil, nil
		}
	},
	ConditionalUpdate: true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,
	CreateOnUpdate:    true,

	Columns: columns,
	Row:     row,
}

// New makes the storage of leases.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
