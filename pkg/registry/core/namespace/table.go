package namespace

import (
	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{table.Name, table.Text("Status", "The status of the namespace"), table.Age}

func row(o *corev1.Namespace) []any {
	return []any{o.Name, string(o.Status.Phase), table.Since(o.CreationTimestamp)}
}
