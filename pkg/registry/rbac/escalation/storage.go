package escalation

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

// Guard is the storage of an RBAC kind that asks before it writes.
type Guard[T stored.Object] struct {
	*stored.REST
	// Granted is the part of the object that grants something; an update that leaves it alone is let through.
	Granted func(T) any
	// Check refuses what the caller may not grant.
	Check func(ctx context.Context, obj T) error
}

// Create implements rest.Creater.
func (g *Guard[T]) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	if err := g.Check(ctx, obj.(T)); err != nil {
		return nil, err
	}
	return g.REST.Create(ctx, obj, validate, options)
}

// Update implements rest.Updater.
func (g *Guard[T]) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, force bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	checked := rest.WrapUpdatedObjectInfo(info, func(ctx context.Context, obj, old runtime.Object) (runtime.Object, error) {
		now := obj.(T)
		// An object that only loses an owner grants nothing new.
		if before, ok := old.(T); ok && before.GetUID() != "" && apiequality.Semantic.DeepEqual(g.Granted(now), g.Granted(before)) {
			return obj, nil
		}
		return obj, g.Check(ctx, now)
	})
	return g.REST.Update(ctx, name, checked, create, update, force, options)
}
