package daemonset

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Number("Desired", appsv1.DaemonSetStatus{}.SwaggerDoc()["desiredNumberScheduled"]),
	table.Number("Current", appsv1.DaemonSetStatus{}.SwaggerDoc()["currentNumberScheduled"]),
	table.Number("Ready", appsv1.DaemonSetStatus{}.SwaggerDoc()["numberReady"]),
	table.Number("Up-to-date", appsv1.DaemonSetStatus{}.SwaggerDoc()["updatedNumberScheduled"]),
	table.Number("Available", appsv1.DaemonSetStatus{}.SwaggerDoc()["numberAvailable"]),
	table.Text("Node Selector", corev1.PodSpec{}.SwaggerDoc()["nodeSelector"]),
	table.Age,
	table.Workload[0], table.Workload[1], table.Wide(table.Text("Selector", appsv1.DaemonSetSpec{}.SwaggerDoc()["selector"])),
}

func row(o *appsv1.DaemonSet) []any {
	names, images := table.Containers(&o.Spec.Template.Spec)
	s := &o.Status
	return []any{
		o.Name, int64(s.DesiredNumberScheduled), int64(s.CurrentNumberScheduled), int64(s.NumberReady), int64(s.UpdatedNumberScheduled),
		int64(s.NumberAvailable), table.OrNone(labels.FormatLabels(o.Spec.Template.Spec.NodeSelector)), table.Since(o.CreationTimestamp),
		names, images, table.Selector(o.Spec.Selector),
	}
}
