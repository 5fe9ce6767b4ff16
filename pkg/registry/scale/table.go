package scale

import (
	autoscalingv1 "k8s.io/api/autoscaling/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Text("Name", table.Name.Description),
	table.Number("Desired", autoscalingv1.ScaleSpec{}.SwaggerDoc()["replicas"]),
	table.Number("Available", autoscalingv1.ScaleStatus{}.SwaggerDoc()["replicas"]),
	table.Age,
}

func row(o *autoscalingv1.Scale) []any {
	return []any{o.Name, int64(o.Spec.Replicas), int64(o.Status.Replicas), table.Since(o.CreationTimestamp)}
}
