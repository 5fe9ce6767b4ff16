package rolebinding

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/rbac/rolebinding"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*rbacv1.RoleBinding]{
	Group: "rbac.authorization.k8s.io", Name: "rolebindings", Singular: "rolebinding",
	Namespaced: true,

	CreateOnUpdate: true,

	New:     func() *rbacv1.RoleBinding { return &rbacv1.RoleBinding{} },
	NewList: func() runtime.Object { return &rbacv1.RoleBindingList{} },

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}
