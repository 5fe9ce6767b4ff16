package poddisruptionbudget

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/policy/poddisruptionbudget"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*policyv1.PodDisruptionBudget]{
	Group: "policy", Name: "poddisruptionbudgets", Singular: "poddisruptionbudget",
	Namespaced: true,
	ShortNames: []string{"pdb"},

	AnyFinalizers: true,

	New:        func() *policyv1.PodDisruptionBudget { return &policyv1.PodDisruptionBudget{} },
	NewList:    func() runtime.Object { return &policyv1.PodDisruptionBudgetList{} },
	Spec:       func(o *policyv1.PodDisruptionBudget) any { return &o.Spec },
	Status:     func(o *policyv1.PodDisruptionBudget) any { return &o.Status },
	Generation: true,

	ConditionalUpdate:    true,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of poddisruptionbudgets.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
