package clusterrolebinding

import (
	"context"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/registry/generic"

	"tiphys.dev/tiphys/pkg/registry/rbac/escalation"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// New makes the storage of clusterrolebindings.
func New(getter generic.RESTOptionsGetter, checker *escalation.Checker) (stored.Storage, error) {
	s, main, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	s["clusterrolebindings"] = &escalation.Guard[*rbacv1.ClusterRoleBinding]{
		REST:    main,
		Granted: func(o *rbacv1.ClusterRoleBinding) any { return []any{o.RoleRef, o.Subjects} },
		Check: func(ctx context.Context, o *rbacv1.ClusterRoleBinding) error {
			return checker.Binding(ctx, "clusterrolebindings", o.Namespace, o.Name, o.RoleRef)
		},
	}
	return s, nil
}
