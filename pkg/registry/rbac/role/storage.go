package role

import (
	"context"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/registry/generic"

	"tiphys.dev/tiphys/pkg/registry/rbac/escalation"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// New makes the storage of roles.
func New(getter generic.RESTOptionsGetter, checker *escalation.Checker) (stored.Storage, error) {
	s, main, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	s["roles"] = &escalation.Guard[*rbacv1.Role]{
		REST:    main,
		Granted: func(o *rbacv1.Role) any { return o.Rules },
		Check: func(ctx context.Context, o *rbacv1.Role) error {
			return checker.Role(ctx, "roles", o.Namespace, o.Name, o.Rules, false)
		},
	}
	return s, nil
}
