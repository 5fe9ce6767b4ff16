package clusterrole

import (
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{table.Name, table.Created}

func row(o *rbacv1.ClusterRole) []any {
	return []any{o.Name, o.CreationTimestamp.UTC().Format(time.RFC3339)}
}
