package configmap

import (
	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{table.Name, table.Text("Data", corev1.ConfigMap{}.SwaggerDoc()["data"]), table.Age}

func row(o *corev1.ConfigMap) []any {
	return []any{o.Name, int64(len(o.Data) + len(o.BinaryData)), table.Since(o.CreationTimestamp)}
}
