package statefulset

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Ready", "Number of the pod with ready state"),
	table.Age,
	table.Workload[0], table.Workload[1],
}

func row(o *appsv1.StatefulSet) []any {
	names, images := table.Containers(&o.Spec.Template.Spec)
	var desired int32
	if o.Spec.Replicas != nil {
		desired = *o.Spec.Replicas
	}
	return []any{o.Name, fmt.Sprintf("%d/%d", o.Status.ReadyReplicas, desired), table.Since(o.CreationTimestamp), names, images}
}
