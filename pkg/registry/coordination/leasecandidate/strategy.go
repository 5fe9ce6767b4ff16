package leasecandidate

import (
	coordinationv1beta1 "k8s.io/api/coordination/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/coordination/leasecandidate"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*coordinationv1beta1.LeaseCandidate]{
	Group: "coordination.k8s.io", Name: "leasecandidates", Singular: "leasecandidate",
	Namespaced: true,

	AnyFinalizers: true,

	New:     func() *coordinationv1beta1.LeaseCandidate { return &coordinationv1beta1.LeaseCandidate{} },
	NewList: func() runtime.Object { return &coordinationv1beta1.LeaseCandidateList{} },

	ConditionalUpdate: true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,
	CreateOnUpdate:    true,

	Columns: columns,
	Row:     row,
}

// New makes the storage of leasecandidates.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
