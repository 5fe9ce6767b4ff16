package resourceclaim

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

func (c *Controller) syncClaim(ctx context.Context, k worker.Key) error {
	r, err := c.claims.ResourceClaims(k.Namespace).Get(k.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var valid []resourcev1.ResourceClaimConsumerReference
	for _, ref := range r.Status.ReservedFor {
		uses, err := c.uses(ctx, r.Namespace, ref)
		if err != nil {
			return err
		}
		if uses {
			valid = append(valid, ref)
		}
	}
	if r, err = c.free(ctx, r, valid); err != nil || r == nil || len(valid) > 0 {
		return err
	}
	return c.deleteFinished(ctx, r)
}

// uses tells whether a consumer still uses the claim. Consumers that are no pods are others' to remove.
func (c *Controller) uses(ctx context.Context, namespace string, ref resourcev1.ResourceClaimConsumerReference) (bool, error) {
	if ref.APIGroup != "" || ref.Resource != "pods" {
		return true, nil
	}
	p, err := c.pod(ctx, namespace, ref.Name, ref.UID)
	return p != nil && !done(p), err
}

// pod returns the pod of that UID, nil when it is gone, which is believed only from the API server.
func (c *Controller) pod(ctx context.Context, namespace, name string, uid types.UID) (*v1.Pod, error) {
	if p, err := c.pods.Pods(namespace).Get(name); err == nil && p.UID == uid {
		return p, nil
	}
	p, err := c.cfg.Client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && p.UID != uid {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading pod %s: %w", name, err)
	}
	return p, nil
}

// free writes who is left; with the last consumer go allocation and finalizer. It returns the claim as it is then, nil when gone.
func (c *Controller) free(ctx context.Context, r *resourcev1.ResourceClaim, valid []resourcev1.ResourceClaimConsumerReference) (*resourcev1.ResourceClaim, error) {
	claims := c.cfg.Client.ResourceV1().ResourceClaims(r.Namespace)
	held := slices.Contains(r.Finalizers, resourcev1.Finalizer)
	freed := len(valid) < len(r.Status.ReservedFor)
	if freed || len(valid) == 0 && held && r.Status.Allocation != nil && r.DeletionTimestamp != nil {
		r = r.DeepCopy()
		r.Status.ReservedFor = valid
		if len(valid) == 0 && held {
			r.Status.Allocation, r.Status.Devices = nil, nil
		}
		var err error
		if r, err = claims.UpdateStatus(ctx, r, metav1.UpdateOptions{}); apierrors.IsNotFound(err) {
			return nil, nil
		} else if err != nil {
			return nil, fmt.Errorf("freeing the claim: %w", err)
		}
	}
	// The scheduler adds the finalizer before it allocates: a claim that has only the finalizer may be in its hands.
	if !held || r.Status.Allocation != nil || len(valid) > 0 || !freed && r.DeletionTimestamp == nil {
		return r, nil
	}
	r = r.DeepCopy()
	r.Finalizers = slices.DeleteFunc(r.Finalizers, func(f string) bool { return f == resourcev1.Finalizer })
	r, err := claims.Update(ctx, r, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("removing the finalizer: %w", err)
	}
	return r, nil
}

// deleteFinished deletes a claim that was made for a pod which has ended.
func (c *Controller) deleteFinished(ctx context.Context, r *resourcev1.ResourceClaim) error {
	ref := metav1.GetControllerOfNoCopy(r)
	if ref == nil || ref.Kind != "Pod" || ref.APIVersion != "v1" || r.DeletionTimestamp != nil {
		return nil
	}
	p, err := c.pod(ctx, r.Namespace, ref.Name, ref.UID)
	if err != nil || p == nil || !done(p) {
		return err // without a pod the garbage collector deletes it
	}
	err = c.cfg.Client.ResourceV1().ResourceClaims(r.Namespace).Delete(ctx, r.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &r.UID}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the claim of a finished pod: %w", err)
	}
	return nil
}
