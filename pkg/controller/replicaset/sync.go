package replicaset

import (
	"context"
	"errors"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/ownership"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Sync brings one set to its number of replicas and reports its status.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	set, err := c.kind.Get(key.Namespace, key.Name)
	if apierrors.IsNotFound(err) {
		c.expect.Forget(key)
		return nil
	}
	if err != nil {
		return err
	}
	settled := c.expect.Satisfied(key) // before listing; see Satisfied
	pods, err := c.claim(ctx, set)
	if err != nil {
		return err
	}
	var active, terminating []*v1.Pod
	for _, p := range pods {
		switch {
		case podstate.IsActive(p):
			active = append(active, p)
		case p.DeletionTimestamp != nil && !podstate.IsTerminal(p):
			terminating = append(terminating, p)
		}
	}
	var scaleErr error
	if settled && set.Object.GetDeletionTimestamp() == nil {
		scaleErr = c.scale(ctx, key, set, active)
	}
	now := metav1.NewTime(c.clock.Now())
	status := newStatus(set, c.kind.CountsTerminating, active, terminating, scaleErr, now)
	if !equality.Semantic.DeepEqual(status, set.Status) {
		if err := c.kind.UpdateStatus(ctx, set, status); err != nil && !apierrors.IsNotFound(err) {
			return errors.Join(scaleErr, err)
		}
	}
	if wait, ok := nextAvailable(active, set.MinReadySeconds, now.Time); ok {
		c.queue.EnqueueAfter(key, wait)
	}
	return scaleErr
}

func (c *Controller) claim(ctx context.Context, set *Set) ([]*v1.Pod, error) {
	candidates, err := c.pods.Candidates(set.Object)
	if err != nil {
		return nil, err
	}
	return ownership.Claimer[*v1.Pod]{
		Owner: set.Object, OwnerKind: c.kind.GVK, Selector: set.Selector,
		// A finished or dying orphan is of no use as a replica.
		Match: podMayServe,
		Fresh: func(ctx context.Context) (metav1.Object, error) {
			return c.kind.Fresh(ctx, set.Object.GetNamespace(), set.Object.GetName())
		},
		Patch: c.control.Patch,
	}.Claim(ctx, candidates)
}

// podMayServe is true for owned pods of any state, so that it never releases one, and for orphans only while active.
func podMayServe(p *v1.Pod) bool {
	return metav1.GetControllerOfNoCopy(p) != nil || podstate.IsActive(p)
}

// nextAvailable is the shortest wait until one more of the pods counts as available.
func nextAvailable(pods []*v1.Pod, minReadySeconds int32, now time.Time) (time.Duration, bool) {
	var next time.Duration
	found := false
	for _, p := range pods {
		ready := podstate.Condition(p, v1.PodReady)
		if minReadySeconds == 0 || ready == nil || ready.Status != v1.ConditionTrue || podstate.IsAvailable(p, minReadySeconds, metav1.NewTime(now)) {
			continue
		}
		wait := ready.LastTransitionTime.Add(time.Duration(minReadySeconds) * time.Second).Sub(now)
		if !found || wait < next {
			next, found = wait, true
		}
	}
	return next, found
}
