package podtemplate

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Containers", "Names of each container in the template."),
	table.Text("Images", "Images referenced by each container in the template."),
	table.Text("Pod Labels", "The labels for the pod template."),
}

func row(o *corev1.PodTemplate) []any {
	names, images := table.Containers(&o.Template.Spec)
	return []any{o.Name, names, images, table.OrNone(labels.FormatLabels(o.Template.Labels))}
}
