package serviceaccount

import (
	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{table.Name, table.Age}

func row(o *corev1.ServiceAccount) []any {
	return []any{o.Name, table.Since(o.CreationTimestamp)}
}
