package rolebinding

import (
	rbacv1 "k8s.io/api/rbac/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = table.Binding

func row(o *rbacv1.RoleBinding) []any {
	users, groups, accounts := table.Subjects(o.Subjects)
	return []any{o.Name, o.RoleRef.Kind + "/" + o.RoleRef.Name, table.Since(o.CreationTimestamp), users, groups, accounts}
}
