package scheme

import (
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// The texts are what upstream 1.36 answers for the same object.
const (
	upstreamMetrics = `[{"type":"ContainerResource","containerResource":{"name":"cpu","targetAverageValue":"1","container":"c"}},` +
		`{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"10"}},` +
		`{"type":"Object","object":{"target":{"kind":"Service","name":"s"},"metricName":"m","targetValue":"10","selector":{"matchLabels":{"a":"b"}}}},` +
		`{"type":"External","external":{"metricName":"m","targetValue":"10"}}]`
	upstreamBehavior = `{"ScaleUp":{"StabilizationWindowSeconds":10,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15}],"Tolerance":"100m"},` +
		`"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max","Policies":[{"Type":"Percent","Value":10,"PeriodSeconds":60}],"Tolerance":null}}`
)

func TestFirstAutoscalerCarriesTheRestAsUpstreamDoes(t *testing.T) {
	quantity := func(s string) *resource.Quantity { return ptr.To(resource.MustParse(s)) }
	average := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: quantity("10")}
	value := autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: quantity("10")}
	named := autoscalingv2.MetricIdentifier{Name: "m"}
	selected := autoscalingv2.MetricIdentifier{Name: "m", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}}
	in := &autoscalingv2.HorizontalPodAutoscaler{Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
		Metrics: []autoscalingv2.MetricSpec{
			{Type: autoscalingv2.ContainerResourceMetricSourceType, ContainerResource: &autoscalingv2.ContainerResourceMetricSource{Name: corev1.ResourceCPU, Container: "c",
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: quantity("1")}}},
			{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{Metric: named, Target: average}},
			{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
				DescribedObject: autoscalingv2.CrossVersionObjectReference{Kind: "Service", Name: "s"}, Metric: selected, Target: value}},
			{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{Metric: named, Target: value}},
		},
		Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleUp: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: ptr.To[int32](10), SelectPolicy: ptr.To(autoscalingv2.MaxChangePolicySelect),
				Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15}}, Tolerance: quantity("100m")},
			ScaleDown: &autoscalingv2.HPAScalingRules{SelectPolicy: ptr.To(autoscalingv2.MaxChangePolicySelect),
				Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PercentScalingPolicy, Value: 10, PeriodSeconds: 60}}},
		},
	}}
	var first autoscalingv1.HorizontalPodAutoscaler
	if err := autoscalerToV1(in, &first); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{metricsAnnotation: upstreamMetrics, behaviorAnnotation: upstreamBehavior} {
		if got := first.Annotations[key]; got != want {
			t.Errorf("%s is\n%s, want\n%s", key, got, want)
		}
	}
	var back autoscalingv2.HorizontalPodAutoscaler
	if err := autoscalerToV2(&first, &back); err != nil {
		t.Fatal(err)
	}
	if !equality.Semantic.DeepEqual(back.Spec, in.Spec) {
		t.Errorf("there and back:\n%+v\nwas\n%+v", back.Spec, in.Spec)
	}
}
