package deployment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/controller/ownership"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// rollout is what one Sync works on. The objects may come from the cache and are not changed; after a write they are replaced
// by what the API server returned.
type rollout struct {
	d      *appsv1.Deployment
	newSet *appsv1.ReplicaSet // nil until it exists
	old    []*appsv1.ReplicaSet
	noted  []appsv1.DeploymentCondition // conditions that the steps of this Sync want
}

func (r *rollout) note(kind appsv1.DeploymentConditionType, status v1.ConditionStatus, reason, message string) {
	r.noted = append(r.noted, appsv1.DeploymentCondition{Type: kind, Status: status, Reason: reason, Message: message})
}

func (r *rollout) all() []*appsv1.ReplicaSet {
	all := slices.Clone(r.old)
	if r.newSet != nil {
		all = append(all, r.newSet)
	}
	return all
}

// Sync takes one deployment one step further.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	d, err := c.deployments.Deployments(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return fmt.Errorf("selector: %w", err)
	}
	if selector.Empty() {
		c.events.Event(d, v1.EventTypeWarning, "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.")
		return nil
	}
	all, err := c.claim(ctx, d, selector)
	if err != nil {
		return err
	}
	r := &rollout{d: d}
	r.newSet, r.old = find(d, all)
	stepErr := c.step(ctx, r, all)
	if podcontrol.IsTerminating(stepErr) {
		return nil // the namespace goes, and the deployment with it
	}
	return errors.Join(stepErr, c.report(ctx, key, r, stepErr))
}

func (c *Controller) step(ctx context.Context, r *rollout, all []*appsv1.ReplicaSet) error {
	switch {
	case r.d.DeletionTimestamp != nil:
		return nil
	case r.d.Spec.Paused || isScaling(r.d, all):
		notePause(r)
		if err := c.scale(ctx, r, planScale(r.d, r.newSet, r.old)); err != nil {
			return err
		}
		if r.d.Spec.Paused {
			return c.cleanUp(ctx, r)
		}
		return nil
	}
	notePause(r)
	if r.d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return c.recreate(ctx, r)
	}
	return c.roll(ctx, r)
}

func (c *Controller) roll(ctx context.Context, r *rollout) error {
	if err := c.ensureNew(ctx, r); err != nil {
		return err
	}
	if plan := planRolling(limitsOf(r.d), r.newSet, r.old); len(plan) > 0 {
		return c.scale(ctx, r, plan)
	}
	return c.cleanUp(ctx, r)
}

func (c *Controller) recreate(ctx context.Context, r *rollout) error {
	down, wait := planRecreate(r.old)
	if wait {
		return c.scale(ctx, r, down)
	}
	if err := c.ensureNew(ctx, r); err != nil {
		return err
	}
	if n := deref(r.d.Spec.Replicas); deref(r.newSet.Spec.Replicas) != n {
		return c.scale(ctx, r, []scaling{{r.newSet, n}})
	}
	return c.cleanUp(ctx, r)
}

// scale writes the decisions. Each carries the sizes it was made for, see withSizes.
func (c *Controller) scale(ctx context.Context, r *rollout, plan []scaling) error {
	l := limitsOf(r.d)
	for _, s := range plan {
		from := deref(s.set.Spec.Replicas)
		annotations := withSizes(s.set.Annotations, l.replicas, l.max())
		if from == s.to && s.set.Annotations[desiredAnnotation] == annotations[desiredAnnotation] && s.set.Annotations[maxAnnotation] == annotations[maxAnnotation] {
			continue
		}
		rs := *s.set
		rs.Annotations = annotations
		rs.Spec.Replicas = &s.to
		updated, err := c.client.AppsV1().ReplicaSets(rs.Namespace).Update(ctx, &rs, metav1.UpdateOptions{})
		if err != nil {
			return fmt.Errorf("scaling ReplicaSet %s from %d to %d: %w", rs.Name, from, s.to, err)
		}
		r.replace(updated)
		if from != s.to {
			direction := "up"
			if s.to < from {
				direction = "down"
			}
			c.events.Eventf(r.d, v1.EventTypeNormal, "ScalingReplicaSet", "Scaled %s replica set %s from %d to %d", direction, rs.Name, from, s.to)
		}
	}
	return nil
}

func (r *rollout) replace(rs *appsv1.ReplicaSet) {
	if r.newSet != nil && r.newSet.UID == rs.UID {
		r.newSet = rs
		return
	}
	for i := range r.old {
		if r.old[i].UID == rs.UID {
			r.old[i] = rs
		}
	}
}

// cleanUp deletes the oldest revisions beyond revisionHistoryLimit, once the rollout is complete.
func (c *Controller) cleanUp(ctx context.Context, r *rollout) error {
	if r.d.Spec.RevisionHistoryLimit == nil || !complete(r.d, statusOf(r)) && !r.d.Spec.Paused {
		return nil
	}
	var idle []*appsv1.ReplicaSet
	for _, rs := range r.old {
		if rs.DeletionTimestamp == nil && deref(rs.Spec.Replicas) == 0 && rs.Status.Replicas == 0 && rs.Generation <= rs.Status.ObservedGeneration {
			idle = append(idle, rs)
		}
	}
	excess := len(idle) - int(*r.d.Spec.RevisionHistoryLimit)
	if excess <= 0 {
		return nil
	}
	slices.SortStableFunc(idle, func(a, b *appsv1.ReplicaSet) int {
		return int(revisionOf(a.Annotations) - revisionOf(b.Annotations))
	})
	for _, rs := range idle[:excess] {
		err := c.client.AppsV1().ReplicaSets(rs.Namespace).Delete(ctx, rs.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &rs.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting old ReplicaSet %s: %w", rs.Name, err)
		}
	}
	return nil
}

func (c *Controller) claim(ctx context.Context, d *appsv1.Deployment, selector labels.Selector) ([]*appsv1.ReplicaSet, error) {
	candidates, err := c.replicaSets.ReplicaSets(d.Namespace).List(labels.Everything())
	if err != nil {
		return nil, err
	}
	return ownership.Claimer[*appsv1.ReplicaSet]{
		Owner: d, OwnerKind: GVK, Selector: selector,
		Fresh: func(ctx context.Context) (metav1.Object, error) {
			return c.client.AppsV1().Deployments(d.Namespace).Get(ctx, d.Name, metav1.GetOptions{})
		},
		Patch: func(ctx context.Context, rs *appsv1.ReplicaSet, patch []byte) error {
			_, err := c.client.AppsV1().ReplicaSets(rs.Namespace).Patch(ctx, rs.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
			return err
		},
	}.Claim(ctx, candidates)
}
