package secret

import (
	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Type", corev1.Secret{}.SwaggerDoc()["type"]),
	table.Text("Data", corev1.Secret{}.SwaggerDoc()["data"]),
	table.Age,
}

func row(o *corev1.Secret) []any {
	return []any{o.Name, string(o.Type), int64(len(o.Data)), table.Since(o.CreationTimestamp)}
}
