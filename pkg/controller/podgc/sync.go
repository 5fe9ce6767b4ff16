package podgc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Sync decides about one pod, or counts the finished ones.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	if key == sweep {
		return c.sweepFinished(ctx)
	}
	p, err := c.pods.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	reason, disrupted, err := c.stray(ctx, p)
	if err != nil || reason == "" {
		return err
	}
	klog.FromContext(ctx).Info("Deleting stray pod", "pod", key, "reason", reason)
	return c.forceDelete(ctx, p, disrupted, reason)
}

// stray returns why the pod must go, or "". Disrupted tells whether it would have gone on running otherwise.
func (c *Controller) stray(ctx context.Context, p *v1.Pod) (reason string, disrupted bool, err error) {
	if p.Spec.NodeName == "" {
		if p.DeletionTimestamp != nil {
			return "deleted before it was bound to a node", false, nil
		}
		return "", false, nil
	}
	n, err := c.nodes.Get(p.Spec.NodeName)
	if err == nil {
		if p.DeletionTimestamp != nil && outOfService(n) && !ready(n) {
			return "deleted, and its node is out of service", true, nil
		}
		return "", false, nil
	}
	if !apierrors.IsNotFound(err) {
		return "", false, err
	}
	_, err = c.client.CoreV1().Nodes().Get(ctx, p.Spec.NodeName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "its node no longer exists", true, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("asking for node %s: %w", p.Spec.NodeName, err)
	}
	return "", false, nil
}

// forceDelete removes the pod at once: no kubelet is there to end it gracefully. A pod that was not finished becomes Failed
// first, so that its owner, which may count finished pods, sees a result.
func (c *Controller) forceDelete(ctx context.Context, p *v1.Pod, disrupted bool, why string) error {
	if !podstate.IsTerminal(p) {
		if err := c.fail(ctx, p, disrupted, why); err != nil {
			return err
		}
	}
	zero := int64(0)
	err := c.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &zero, Preconditions: &metav1.Preconditions{UID: &p.UID}})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("deleting: %w", err)
	}
	return nil
}

func (c *Controller) fail(ctx context.Context, p *v1.Pod, disrupted bool, why string) error {
	status := map[string]any{"phase": v1.PodFailed}
	if disrupted {
		status["conditions"] = []v1.PodCondition{{
			Type: v1.DisruptionTarget, Status: v1.ConditionTrue, Reason: "DeletionByPodGC", Message: "PodGC: " + why,
			LastTransitionTime: metav1.NewTime(c.clock.Now()), ObservedGeneration: p.Generation,
		}}
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.UID}, "status": status})
	if err != nil {
		return err
	}
	_, err = c.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("marking as failed: %w", err)
	}
	return nil
}

// sweepFinished deletes the oldest finished pods beyond the threshold.
func (c *Controller) sweepFinished(ctx context.Context) error {
	all, err := c.pods.List(labels.Everything())
	if err != nil {
		return err
	}
	finished := slices.DeleteFunc(all, func(p *v1.Pod) bool { return !podstate.IsTerminal(p) || p.DeletionTimestamp != nil })
	surplus := len(finished) - c.threshold
	if surplus <= 0 {
		return nil
	}
	klog.FromContext(ctx).Info("Deleting the oldest finished pods", "finished", len(finished), "threshold", c.threshold)
	slices.SortFunc(finished, func(a, b *v1.Pod) int {
		return cmp.Or(evicted(a)-evicted(b), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.UID, b.UID))
	})
	return errors.Join(podcontrol.Parallel(surplus, func(i int) error { return c.forceDelete(ctx, finished[i], false, "") })...)
}

// evicted pods go first: they come in masses, and say less than a pod that ran to its end.
func evicted(p *v1.Pod) int {
	if p.Status.Reason == "Evicted" {
		return 0
	}
	return 1
}
