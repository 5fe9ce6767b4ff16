package deployment

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Ready", "Number of the pod with ready state"),
	table.Text("Up-to-date", appsv1.DeploymentStatus{}.SwaggerDoc()["updatedReplicas"]),
	table.Text("Available", appsv1.DeploymentStatus{}.SwaggerDoc()["availableReplicas"]),
	table.Age,
	table.Workload[0], table.Workload[1], table.Wide(table.Text("Selector", appsv1.DeploymentSpec{}.SwaggerDoc()["selector"])),
}

func row(o *appsv1.Deployment) []any {
	names, images := table.Containers(&o.Spec.Template.Spec)
	var desired int32
	if o.Spec.Replicas != nil {
		desired = *o.Spec.Replicas
	}
	return []any{
		o.Name, fmt.Sprintf("%d/%d", o.Status.ReadyReplicas, desired), int64(o.Status.UpdatedReplicas), int64(o.Status.AvailableReplicas),
		table.Since(o.CreationTimestamp), names, images, table.Selector(o.Spec.Selector),
	}
}
