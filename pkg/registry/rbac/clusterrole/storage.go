package clusterrole

import (
	"context"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/registry/generic"

	"tiphys.dev/tiphys/pkg/registry/rbac/escalation"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// New makes the storage of clusterroles.
func New(getter generic.RESTOptionsGetter, checker *escalation.Checker) (stored.Storage, error) {
	s, main, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	s["clusterroles"] = &escalation.Guard[*rbacv1.ClusterRole]{
		REST:    main,
		Granted: func(o *rbacv1.ClusterRole) any { return []any{o.Rules, o.AggregationRule} },
		Check: func(ctx context.Context, o *rbacv1.ClusterRole) error {
			return checker.Role(ctx, "clusterroles", o.Namespace, o.Name, o.Rules, o.AggregationRule != nil)
		},
	}
	return s, nil
}
