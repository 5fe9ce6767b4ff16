package replicaset

import (
	appsv1 "k8s.io/api/apps/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Number("Desired", appsv1.ReplicaSetSpec{}.SwaggerDoc()["replicas"]),
	table.Number("Current", appsv1.ReplicaSetStatus{}.SwaggerDoc()["replicas"]),
	table.Number("Ready", appsv1.ReplicaSetStatus{}.SwaggerDoc()["readyReplicas"]),
	table.Age,
	table.Workload[0], table.Workload[1], table.Wide(table.Text("Selector", appsv1.ReplicaSetSpec{}.SwaggerDoc()["selector"])),
}

func row(o *appsv1.ReplicaSet) []any {
	names, images := table.Containers(&o.Spec.Template.Spec)
	var desired int32
	if o.Spec.Replicas != nil {
		desired = *o.Spec.Replicas
	}
	return []any{
		o.Name, int64(desired), int64(o.Status.Replicas), int64(o.Status.ReadyReplicas), table.Since(o.CreationTimestamp),
		names, images, table.Selector(o.Spec.Selector),
	}
}
