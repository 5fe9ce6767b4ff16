package clusterrole

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/rbac/clusterrole"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*rbacv1.ClusterRole]{
	Group: "rbac.authorization.k8s.io", Name: "clusterroles", Singular: "clusterrole",

	CreateOnUpdate: true,

	New:     func() *rbacv1.ClusterRole { return &rbacv1.ClusterRole{} },
	NewList: func() runtime.Object { return &rbacv1.ClusterRoleList{} },

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
}
