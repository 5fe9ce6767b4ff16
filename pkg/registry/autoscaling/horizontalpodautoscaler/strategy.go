package horizontalpodautoscaler

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/autoscaling/horizontalpodautoscaler"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*autoscalingv2.HorizontalPodAutoscaler]{
	Group: "autoscaling", Name: "horizontalpodautoscalers", Singular: "horizontalpodautoscaler",
	Namespaced: true,
	ShortNames: []string{"hpa"},
	Categories: []string{"all"},

	New:     func() *autoscalingv2.HorizontalPodAutoscaler { return &autoscalingv2.HorizontalPodAutoscaler{} },
	NewList: func() runtime.Object { return &autoscalingv2.HorizontalPodAutoscalerList{} },
	Spec:    func(o *autoscalingv2.HorizontalPodAutoscaler) any { return &o.Spec },
	Status:  func(o *autoscalingv2.HorizontalPodAutoscaler) any { return &o.Status },

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of horizontalpodautoscalers.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
