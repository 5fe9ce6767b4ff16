package namespace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Sync empties one namespace as far as possible now.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	ns, err := c.namespaces.Get(key.Name)
	if apierrors.IsNotFound(err) || err == nil && ns.DeletionTimestamp == nil {
		return nil
	}
	if err != nil {
		return err
	}
	// The cache may be behind our own status write: a conflict then only costs a round.
	if ns.Status.Phase != v1.NamespaceTerminating {
		terminating := *ns
		terminating.Status.Phase = v1.NamespaceTerminating
		if ns, err = c.client.CoreV1().Namespaces().UpdateStatus(ctx, &terminating, metav1.UpdateOptions{}); err != nil {
			return ignoreNotFound(err)
		}
	}
	if !slices.Contains(ns.Spec.Finalizers, v1.FinalizerKubernetes) {
		return nil // somebody else's finalizer: its owner decides
	}
	found, err := c.empty(ctx, ns)
	if err != nil {
		return err
	}
	conditions := found.conditions(ns.Status.Conditions, metav1.NewTime(c.clock.Now()))
	if !equality.Semantic.DeepEqual(conditions, ns.Status.Conditions) {
		updated := *ns
		updated.Status.Conditions = conditions
		if ns, err = c.client.CoreV1().Namespaces().UpdateStatus(ctx, &updated, metav1.UpdateOptions{}); err != nil {
			return ignoreNotFound(err)
		}
	}
	if err := errors.Join(append(found.discovery, found.content...)...); err != nil {
		return fmt.Errorf("deleting the contents: %w", err)
	}
	if len(found.remaining) > 0 {
		klog.FromContext(ctx).V(4).Info("Contents remain", "namespace", ns.Name, "resources", len(found.remaining), "wait", found.wait)
		c.queue.EnqueueAfter(key, found.wait)
		return nil
	}
	return c.finish(ctx, ns)
}

func (c *Controller) finish(ctx context.Context, ns *v1.Namespace) error {
	ns = ns.DeepCopy()
	ns.Spec.Finalizers = slices.DeleteFunc(ns.Spec.Finalizers, func(f v1.FinalizerName) bool { return f == v1.FinalizerKubernetes })
	if _, err := c.client.CoreV1().Namespaces().Finalize(ctx, ns, metav1.UpdateOptions{}); err != nil {
		return ignoreNotFound(err)
	}
	return nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// Waits before the next look at a namespace that is not empty yet.
const (
	minWait = time.Second
	podWait = 15 * time.Second // at most; see waitFor
)
