package garbagecollector

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
)

// orphanOne frees the dependents of an object that is deleted with the finalizer "orphan", and then lets it go.
func (c *Controller) orphanOne(ctx context.Context, uid types.UID) error {
	n, ok := c.graph.get(uid)
	if !ok || !n.orphaning {
		return nil
	}
	errs := podcontrol.Parallel(len(n.dependents), func(i int) error { return c.free(ctx, uid, n.dependents[i].identity) })
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("orphaning the dependents of %s: %w", n, err)
	}
	client, err := c.clientOf(n.identity)
	if err != nil {
		return err
	}
	live, err := client.Get(ctx, n.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && live.UID != uid {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", n, err)
	}
	return c.dropFinalizer(ctx, client, live, metav1.FinalizerOrphanDependents)
}

func (c *Controller) free(ctx context.Context, owner types.UID, dependent identity) error {
	client, err := c.clientOf(dependent)
	if err != nil {
		return err
	}
	live, err := client.Get(ctx, dependent.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && live.UID != dependent.UID {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", dependent, err)
	}
	refs := slices.DeleteFunc(slices.Clone(live.OwnerReferences), func(r metav1.OwnerReference) bool { return r.UID == owner })
	if len(refs) == len(live.OwnerReferences) {
		return nil
	}
	return c.patch(ctx, client, live, map[string]any{"ownerReferences": refs})
}
