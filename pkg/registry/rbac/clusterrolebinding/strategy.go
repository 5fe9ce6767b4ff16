package clusterrolebinding

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/rbac/clusterrolebinding"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*rbacv1.ClusterRoleBinding]{
	Group: "rbac.authorization.k8s.io", Name: "clusterrolebindings", Singular: "clusterrolebinding",

	CreateOnUpdate: true,

	New:     func() *rbacv1.ClusterRoleBinding { return &rbacv1.ClusterRoleBinding{} },
	NewList: func() runtime.Object { return &rbacv1.ClusterRoleBindingList{} },

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}
