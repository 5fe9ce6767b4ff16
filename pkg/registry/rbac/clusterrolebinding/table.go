package clusterrolebinding

import (
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = table.Binding("clusterRoleBinding", rbacv1beta1.ClusterRoleBinding{}.SwaggerDoc()["roleRef"])

func row(o *rbacv1.ClusterRoleBinding) []any {
	users, groups, accounts := table.Subjects(o.Subjects)
	return []any{o.Name, o.RoleRef.Kind + "/" + o.RoleRef.Name, table.Since(o.CreationTimestamp), users, groups, accounts}
}
