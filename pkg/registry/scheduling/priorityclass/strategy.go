package priorityclass

import (
	"context"

	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/scheduling/priorityclass"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*schedulingv1.PriorityClass]{
	Group: "scheduling.k8s.io", Name: "priorityclasses", Singular: "priorityclass",
	ShortNames: []string{"pc"},

	New:     func() *schedulingv1.PriorityClass { return &schedulingv1.PriorityClass{} },
	NewList: func() runtime.Object { return &schedulingv1.PriorityClassList{} },

	Validate:         rules.Validate,
	ValidateUpdate:   rules.ValidateUpdate,
	PrepareForCreate: func(_ context.Context, o *schedulingv1.PriorityClass) { o.Generation = 1 },

	Columns: columns,
	Row:     row,
}

// New makes the storage of priorityclasses.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
