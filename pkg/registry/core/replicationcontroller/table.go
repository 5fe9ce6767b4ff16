package replicationcontroller

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Number("Desired", corev1.ReplicationControllerSpec{}.SwaggerDoc()["replicas"]),
	table.Number("Current", corev1.ReplicationControllerStatus{}.SwaggerDoc()["replicas"]),
	table.Number("Ready", corev1.ReplicationControllerStatus{}.SwaggerDoc()["readyReplicas"]),
	table.Age,
	table.Workload[0], table.Workload[1], table.Wide(table.Text("Selector", corev1.ReplicationControllerSpec{}.SwaggerDoc()["selector"])),
}

func row(o *corev1.ReplicationController) []any {
	var names, images string
	if o.Spec.Template != nil {
		names, images = table.Containers(&o.Spec.Template.Spec)
	}
	var desired int32
	if o.Spec.Replicas != nil {
		desired = *o.Spec.Replicas
	}
	return []any{
		o.Name, int64(desired), int64(o.Status.Replicas), int64(o.Status.ReadyReplicas), table.Since(o.CreationTimestamp),
		names, images, table.OrNone(labels.FormatLabels(o.Spec.Selector)),
	}
}
