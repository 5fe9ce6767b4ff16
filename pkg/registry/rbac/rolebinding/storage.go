package rolebinding

import (
	"context"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/registry/generic"

	"tiphys.dev/tiphys/pkg/registry/rbac/escalation"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// New makes the storage of rolebindings.
func New(getter generic.RESTOptionsGetter, checker *escalation.Checker) (stored.Storage, error) {
	s, main, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	s["rolebindings"] = &escalation.Guard[*rbacv1.RoleBinding]{
		REST:    main,
		Granted: func(o *rbacv1.RoleBinding) any { return []any{o.RoleRef, o.Subjects} },
		Check: func(ctx context.Context, o *rbacv1.RoleBinding) error {
			return checker.Binding(ctx, "rolebindings", o.Namespace, o.Name, o.RoleRef)
		},
	}
	return s, nil
}
