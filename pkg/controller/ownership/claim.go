package ownership

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Claimer claims dependents of type T for one owner.
type Claimer[T metav1.Object] struct {
	Owner     metav1.Object
	OwnerKind schema.GroupVersionKind
	// Selector says which dependents belong to the owner.
	Selector labels.Selector
	// Match restricts what may be adopted beyond the selector. Optional.
	Match func(T) bool
	// Fresh returns the owner from the API server.
	Fresh func(ctx context.Context) (metav1.Object, error)
	// Patch sends a strategic merge patch for the dependent.
	Patch func(ctx context.Context, dependent T, patch []byte) error
	// Finalizers are added on adoption and removed on release. Optional.
	Finalizers []string
}

// Claim returns those of the candidates that the owner owns now. Failed adoptions and releases are left out and reported
// together; the rest is still returned.
func (c Claimer[T]) Claim(ctx context.Context, candidates []T) ([]T, error) {
	var (
		owned   []T
		errs    []error
		checked bool
		refused error
	)
	mayAdopt := func() error {
		if !checked {
			checked, refused = true, c.ownerLives(ctx)
		}
		return refused
	}
	for _, o := range candidates {
		ok, err := c.claim(ctx, o, mayAdopt)
		if err != nil {
			errs = append(errs, err)
		}
		if ok {
			owned = append(owned, o)
		}
	}
	return owned, errors.Join(errs...)
}

func (c Claimer[T]) claim(ctx context.Context, o T, mayAdopt func() error) (bool, error) {
	ref := metav1.GetControllerOfNoCopy(o)
	matches := c.Selector.Matches(labels.Set(o.GetLabels())) && (c.Match == nil || c.Match(o))
	switch {
	case ref != nil && ref.UID != c.Owner.GetUID():
		return false, nil // somebody else's
	case ref != nil && matches:
		return true, nil
	case ref != nil:
		if c.Owner.GetDeletionTimestamp() != nil {
			return false, nil
		}
		return false, ignoreGone(c.release(ctx, o))
	case !matches || c.Owner.GetDeletionTimestamp() != nil || o.GetDeletionTimestamp() != nil || o.GetNamespace() != c.Owner.GetNamespace():
		return false, nil
	}
	if err := mayAdopt(); err != nil {
		return false, fmt.Errorf("adopting %s/%s: %w", o.GetNamespace(), o.GetName(), err)
	}
	if err := c.adopt(ctx, o); err != nil {
		return false, ignoreGone(err)
	}
	return true, nil
}

func (c Claimer[T]) ownerLives(ctx context.Context) error {
	fresh, err := c.Fresh(ctx)
	if err != nil {
		return fmt.Errorf("checking the owner: %w", err)
	}
	if fresh.GetUID() != c.Owner.GetUID() {
		return fmt.Errorf("the owner %s/%s was replaced: its UID is now %s, not %s", c.Owner.GetNamespace(), c.Owner.GetName(), fresh.GetUID(), c.Owner.GetUID())
	}
	if fresh.GetDeletionTimestamp() != nil {
		return fmt.Errorf("the owner %s/%s is being deleted", c.Owner.GetNamespace(), c.Owner.GetName())
	}
	return nil
}

// patchMeta carries the dependent's UID so that the API server refuses to patch a later object of the same name.
type patchMeta struct {
	UID             types.UID `json:"uid"`
	OwnerReferences any       `json:"ownerReferences,omitempty"`
	Finalizers      []string  `json:"finalizers,omitempty"`
	DeleteFinalizer []string  `json:"$deleteFromPrimitiveList/finalizers,omitempty"`
}

func (c Claimer[T]) adopt(ctx context.Context, o T) error {
	ref := metav1.NewControllerRef(c.Owner, c.OwnerKind)
	if err := c.patch(ctx, o, patchMeta{UID: o.GetUID(), OwnerReferences: []any{ref}, Finalizers: c.Finalizers}); err != nil {
		return fmt.Errorf("adopting %s/%s: %w", o.GetNamespace(), o.GetName(), err)
	}
	return nil
}

func (c Claimer[T]) release(ctx context.Context, o T) error {
	drop := map[string]string{"$patch": "delete", "uid": string(c.Owner.GetUID())}
	if err := c.patch(ctx, o, patchMeta{UID: o.GetUID(), OwnerReferences: []any{drop}, DeleteFinalizer: c.Finalizers}); err != nil {
		return fmt.Errorf("releasing %s/%s: %w", o.GetNamespace(), o.GetName(), err)
	}
	return nil
}

func (c Claimer[T]) patch(ctx context.Context, o T, meta patchMeta) error {
	body, err := json.Marshal(map[string]any{"metadata": meta})
	if err != nil {
		return err
	}
	return c.Patch(ctx, o, body)
}

// ignoreGone drops the errors of a dependent that no longer exists, or exists again with another UID: there is nothing left
// to adopt or release, and the events that follow tell the rest.
func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsInvalid(err) {
		return nil
	}
	return err
}
