package limitrange

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{table.Name, table.Created}

func row(o *corev1.LimitRange) []any {
	return []any{o.Name, o.CreationTimestamp.UTC().Format(time.RFC3339)}
}
