package role

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/rbac/role"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*rbacv1.Role]{
	Group: "rbac.authorization.k8s.io", Name: "roles", Singular: "role",
	Namespaced: true,

	CreateOnUpdate: true,

	New:     func() *rbacv1.Role { return &rbacv1.Role{} },
	NewList: func() runtime.Object { return &rbacv1.RoleList{} },

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
}
