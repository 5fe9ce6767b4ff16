package horizontalpodautoscaler

import (
	"slices"
	"testing"

	v2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestMetricSources(t *testing.T) {
	five, minus := int32(5), resource.MustParse("-1")
	cpu := &v2.ResourceMetricSource{Name: "cpu", Target: v2.MetricTarget{Type: v2.UtilizationMetricType, AverageUtilization: &five}}
	pods := &v2.PodsMetricSource{Metric: v2.MetricIdentifier{Name: "m"}, Target: v2.MetricTarget{Type: v2.AverageValueMetricType, AverageValue: &minus}}
	for _, c := range []struct {
		name   string
		metric v2.MetricSpec
		want   []string
	}{
		{"one", v2.MetricSpec{Type: v2.ResourceMetricSourceType, Resource: cpu}, nil},
		{"another", v2.MetricSpec{Type: v2.ResourceMetricSourceType, Resource: cpu, Pods: pods}, []string{"m.pods", "m.pods.target.averageValue"}},
		{"the wrong one", v2.MetricSpec{Type: v2.ResourceMetricSourceType, Pods: pods}, []string{"m.pods.target.averageValue", "m.resource"}},
		{"two of no known type", v2.MetricSpec{Type: "Odd", Resource: cpu, Pods: pods}, []string{"m.pods", "m.pods.target.averageValue", "m.resource", "m.type"}},
	} {
		var got []string
		for _, e := range validateMetric(&c.metric, field.NewPath("m")) {
			got = append(got, e.Field)
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
