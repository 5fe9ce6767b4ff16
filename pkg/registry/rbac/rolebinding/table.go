package rolebinding

import (
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = table.Binding("roleBinding", rbacv1beta1.RoleBinding{}.SwaggerDoc()["roleRef"])

func row(o *rbacv1.RoleBinding) []any {
	users, groups, accounts := table.Subjects(o.Subjects)
	return []any{o.Name, o.RoleRef.Kind + "/" + o.RoleRef.Name, table.Since(o.CreationTimestamp), users, groups, accounts}
}
