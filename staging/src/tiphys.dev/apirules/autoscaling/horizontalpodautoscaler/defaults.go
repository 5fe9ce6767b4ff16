package horizontalpodautoscaler

import (
	"encoding/json"

	v1 "k8s.io/api/autoscaling/v1"
	v2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// DefaultUtilization is the share of requested cpu that is aimed for when nothing is said.
const DefaultUtilization = 80

// SetDefaults scales by cpu, up fast and down slowly.
func SetDefaults(obj *v2.HorizontalPodAutoscaler) {
	setDefault(&obj.Spec.MinReplicas, 1)
	if len(obj.Spec.Metrics) == 0 {
		utilization := int32(DefaultUtilization)
		obj.Spec.Metrics = []v2.MetricSpec{{Type: v2.ResourceMetricSourceType, Resource: &v2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: v2.MetricTarget{Type: v2.UtilizationMetricType, AverageUtilization: &utilization}}}}
	}
	if b := obj.Spec.Behavior; b != nil {
		b.ScaleUp = withDefaults(b.ScaleUp, scaleUp())
		b.ScaleDown = withDefaults(b.ScaleDown, scaleDown())
	}
}

// metricsAnnotation holds the metrics that the older version has no fields for.
const metricsAnnotation = "autoscaling.alpha.kubernetes.io/metrics"

// SetDefaultsV1 is for the older version, which knows one metric: cpu is aimed for when there is no other.
func SetDefaultsV1(obj *v1.HorizontalPodAutoscaler) {
	setDefault(&obj.Spec.MinReplicas, 1)
	var others []json.RawMessage
	if text, ok := obj.Annotations[metricsAnnotation]; ok && json.Unmarshal([]byte(text), &others) == nil && len(others) > 0 {
		return
	}
	setDefault(&obj.Spec.TargetCPUUtilizationPercentage, DefaultUtilization)
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// scaleUp allows four pods or twice as many, whichever is more, every 15 seconds.
func scaleUp() *v2.HPAScalingRules {
	window, most := int32(0), v2.MaxChangePolicySelect
	return &v2.HPAScalingRules{StabilizationWindowSeconds: &window, SelectPolicy: &most, Policies: []v2.HPAScalingPolicy{
		{Type: v2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15}, {Type: v2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}}}
}

// scaleDown may go down to the smallest number at once; how long to wait first is the controller's setting.
func scaleDown() *v2.HPAScalingRules {
	most := v2.MaxChangePolicySelect
	return &v2.HPAScalingRules{SelectPolicy: &most, Policies: []v2.HPAScalingPolicy{{Type: v2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}}}
}

func withDefaults(given, defaults *v2.HPAScalingRules) *v2.HPAScalingRules {
	if given == nil {
		return defaults
	}
	if given.SelectPolicy == nil {
		given.SelectPolicy = defaults.SelectPolicy
	}
	if given.StabilizationWindowSeconds == nil {
		given.StabilizationWindowSeconds = defaults.StabilizationWindowSeconds
	}
	if given.Policies == nil {
		given.Policies = defaults.Policies
	}
	return given
}
