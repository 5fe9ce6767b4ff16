package horizontalpodautoscaler

import (
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Reference", autoscalingv2.HorizontalPodAutoscalerSpec{}.SwaggerDoc()["scaleTargetRef"]),
	table.Text("Targets", autoscalingv2.HorizontalPodAutoscalerSpec{}.SwaggerDoc()["metrics"]),
	table.Text("MinPods", autoscalingv2.HorizontalPodAutoscalerSpec{}.SwaggerDoc()["minReplicas"]),
	table.Text("MaxPods", autoscalingv2.HorizontalPodAutoscalerSpec{}.SwaggerDoc()["maxReplicas"]),
	table.Text("Replicas", autoscalingv2.HorizontalPodAutoscalerStatus{}.SwaggerDoc()["currentReplicas"]),
	table.Age,
}

func row(o *autoscalingv2.HorizontalPodAutoscaler) []any {
	lowest := "<unset>"
	if o.Spec.MinReplicas != nil {
		lowest = fmt.Sprintf("%d", *o.Spec.MinReplicas)
	}
	return []any{
		o.Name, o.Spec.ScaleTargetRef.Kind + "/" + o.Spec.ScaleTargetRef.Name, targets(o.Spec.Metrics, o.Status.CurrentMetrics),
		lowest, int64(o.Spec.MaxReplicas), int64(o.Status.CurrentReplicas), table.Since(o.CreationTimestamp),
	}
}

// shown is how many metrics a row lists.
const shown = 2

func targets(specs []autoscalingv2.MetricSpec, current []autoscalingv2.MetricStatus) string {
	if len(specs) == 0 {
		return "<none>"
	}
	var list []string
	for i, s := range specs {
		var status *autoscalingv2.MetricStatus
		if i < len(current) {
			status = &current[i]
		}
		list = append(list, target(s, status))
	}
	if len(list) > shown {
		return fmt.Sprintf("%s + %d more...", strings.Join(list[:shown], ", "), len(list)-shown)
	}
	return strings.Join(list, ", ")
}

func target(s autoscalingv2.MetricSpec, status *autoscalingv2.MetricStatus) string {
	switch s.Type {
	case autoscalingv2.ResourceMetricSourceType:
		var now *autoscalingv2.MetricValueStatus
		if status != nil && status.Resource != nil {
			now = &status.Resource.Current
		}
		return string(s.Resource.Name) + ": " + compare(s.Resource.Target, now)
	case autoscalingv2.ContainerResourceMetricSourceType:
		var now *autoscalingv2.MetricValueStatus
		if status != nil && status.ContainerResource != nil {
			now = &status.ContainerResource.Current
		}
		return string(s.ContainerResource.Name) + ": " + compare(s.ContainerResource.Target, now)
	case autoscalingv2.PodsMetricSourceType:
		var now *autoscalingv2.MetricValueStatus
		if status != nil && status.Pods != nil {
			now = &status.Pods.Current
		}
		return compare(s.Pods.Target, now)
	case autoscalingv2.ObjectMetricSourceType:
		var now *autoscalingv2.MetricValueStatus
		if status != nil && status.Object != nil {
			now = &status.Object.Current
		}
		return averaged(s.Object.Target, now)
	case autoscalingv2.ExternalMetricSourceType:
		var now *autoscalingv2.MetricValueStatus
		if status != nil && status.External != nil {
			now = &status.External.Current
		}
		return averaged(s.External.Target, now)
	}
	return "<unknown type>"
}

func compare(t autoscalingv2.MetricTarget, now *autoscalingv2.MetricValueStatus) string {
	current := "<unknown>"
	switch {
	case t.AverageUtilization != nil:
		if now != nil && now.AverageUtilization != nil {
			current = fmt.Sprintf("%d%%", *now.AverageUtilization)
		}
		return fmt.Sprintf("%s/%d%%", current, *t.AverageUtilization)
	case t.AverageValue != nil:
		if now != nil && now.AverageValue != nil {
			current = now.AverageValue.String()
		}
		return fmt.Sprintf("%s/%s", current, t.AverageValue.String())
	case t.Value != nil:
		if now != nil && now.Value != nil {
			current = now.Value.String()
		}
		return fmt.Sprintf("%s/%s", current, t.Value.String())
	}
	return current + "/<auto>"
}

// averaged is compare for metrics that need not be of pods: it says when the target is a mean over the pods.
func averaged(t autoscalingv2.MetricTarget, now *autoscalingv2.MetricValueStatus) string {
	if t.AverageUtilization == nil && t.AverageValue != nil {
		return compare(t, now) + " (avg)"
	}
	return compare(t, now)
}
