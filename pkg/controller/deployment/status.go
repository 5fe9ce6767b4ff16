package deployment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Reasons of the condition Progressing that decide something.
const (
	reasonDone     = "NewReplicaSetAvailable"
	reasonDeadline = "ProgressDeadlineExceeded"
	reasonPaused   = "DeploymentPaused"
)

func hasDeadline(d *appsv1.Deployment) bool {
	return d.Spec.ProgressDeadlineSeconds != nil && *d.Spec.ProgressDeadlineSeconds != math.MaxInt32
}

// notePause stops the progress clock of a paused deployment, and starts it again when it is resumed.
func notePause(r *rollout) {
	if !hasDeadline(r.d) {
		return
	}
	now := condition(r.d.Status.Conditions, appsv1.DeploymentProgressing)
	if now != nil && now.Reason == reasonDeadline {
		return // what has failed stays failed until the template changes
	}
	paused := now != nil && now.Reason == reasonPaused
	switch {
	case r.d.Spec.Paused && !paused:
		r.note(appsv1.DeploymentProgressing, v1.ConditionUnknown, reasonPaused, "Deployment is paused")
	case !r.d.Spec.Paused && paused:
		r.note(appsv1.DeploymentProgressing, v1.ConditionUnknown, "DeploymentResumed", "Deployment is resumed")
	}
}

// report writes the status when it differs, and queues the deployment for its progress deadline.
func (c *Controller) report(ctx context.Context, key worker.Key, r *rollout, stepErr error) error {
	now := metav1.NewTime(c.clock.Now())
	status := statusOf(r)
	status.Conditions = conditionsOf(r, status, now)
	if wait, waiting := untilDeadline(r.d, status, now.Time); waiting {
		c.queue.EnqueueAfter(key, wait)
	}
	if equality.Semantic.DeepEqual(status, r.d.Status) || apierrors.IsConflict(stepErr) {
		return nil // with a conflict the view is known to be old: the next Sync reports
	}
	d := *r.d
	d.Status = status
	if _, err := c.client.AppsV1().Deployments(d.Namespace).UpdateStatus(ctx, &d, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}

// statusOf counts; the conditions are those of before.
func statusOf(r *rollout) appsv1.DeploymentStatus {
	s := appsv1.DeploymentStatus{
		ObservedGeneration: r.d.Generation,
		CollisionCount:     r.d.Status.CollisionCount,
		Conditions:         slices.Clone(r.d.Status.Conditions),
	}
	all := r.all()
	gone, known := int32(0), true
	for _, rs := range all {
		s.Replicas += rs.Status.Replicas
		s.ReadyReplicas += rs.Status.ReadyReplicas
		s.AvailableReplicas += rs.Status.AvailableReplicas
		if rs.Status.TerminatingReplicas == nil {
			known = false
		} else {
			gone += *rs.Status.TerminatingReplicas
		}
	}
	if known {
		s.TerminatingReplicas = &gone
	}
	if r.newSet != nil {
		s.UpdatedReplicas = r.newSet.Status.Replicas
	}
	s.UnavailableReplicas = max(0, wanted(all)-s.AvailableReplicas)
	return s
}

// complete tells whether every pod is of the present template and available, and none is left of another.
func complete(d *appsv1.Deployment, s appsv1.DeploymentStatus) bool {
	n := deref(d.Spec.Replicas)
	return s.UpdatedReplicas == n && s.Replicas == n && s.AvailableReplicas == n && s.ObservedGeneration >= d.Generation
}

func progressed(old, s appsv1.DeploymentStatus) bool {
	return s.UpdatedReplicas > old.UpdatedReplicas || s.Replicas-s.UpdatedReplicas < old.Replicas-old.UpdatedReplicas ||
		s.ReadyReplicas > old.ReadyReplicas || s.AvailableReplicas > old.AvailableReplicas
}

func conditionsOf(r *rollout, s appsv1.DeploymentStatus, now metav1.Time) []appsv1.DeploymentCondition {
	out := s.Conditions
	for _, c := range r.noted {
		out = set(out, c, now)
	}
	if l := limitsOf(r.d); s.AvailableReplicas >= l.available() {
		out = set(out, appsv1.DeploymentCondition{Type: appsv1.DeploymentAvailable, Status: v1.ConditionTrue,
			Reason: "MinimumReplicasAvailable", Message: "Deployment has minimum availability."}, now)
	} else {
		out = set(out, appsv1.DeploymentCondition{Type: appsv1.DeploymentAvailable, Status: v1.ConditionFalse,
			Reason: "MinimumReplicasUnavailable", Message: "Deployment does not have minimum availability."}, now)
	}
	out = progress(r, s, out, now)
	return replicaFailure(r, out, now)
}

// progress decides the condition Progressing. A finished rollout stays finished, whatever happens to its pods later.
func progress(r *rollout, s appsv1.DeploymentStatus, out []appsv1.DeploymentCondition, now metav1.Time) []appsv1.DeploymentCondition {
	if !hasDeadline(r.d) {
		return slices.DeleteFunc(out, func(c appsv1.DeploymentCondition) bool { return c.Type == appsv1.DeploymentProgressing })
	}
	current := condition(out, appsv1.DeploymentProgressing)
	if current != nil && current.Reason == reasonDone && s.Replicas == s.UpdatedReplicas {
		return out
	}
	subject := fmt.Sprintf("Deployment %q", r.d.Name)
	if r.newSet != nil {
		subject = fmt.Sprintf("ReplicaSet %q", r.newSet.Name)
	}
	c := appsv1.DeploymentCondition{Type: appsv1.DeploymentProgressing, Status: v1.ConditionTrue}
	switch {
	case r.newSet != nil && complete(r.d, s):
		c.Reason, c.Message = reasonDone, subject+" has successfully progressed."
	case progressed(r.d.Status, s) && !r.d.Spec.Paused:
		c.Reason, c.Message = "ReplicaSetUpdated", subject+" is progressing."
		c.LastUpdateTime = now // each step winds the clock up
	case overdue(r.d, current, now.Time):
		c.Status, c.Reason, c.Message = v1.ConditionFalse, reasonDeadline, subject+" has timed out progressing."
	default:
		return out
	}
	return set(out, c, now)
}

func overdue(d *appsv1.Deployment, current *appsv1.DeploymentCondition, now time.Time) bool {
	switch {
	case current == nil || current.Reason == reasonDone || current.Reason == reasonPaused || d.Spec.Paused:
		return false
	case current.Reason == reasonDeadline:
		return true
	}
	return !current.LastUpdateTime.Add(deadline(d)).After(now)
}

func deadline(d *appsv1.Deployment) time.Duration {
	return time.Duration(*d.Spec.ProgressDeadlineSeconds) * time.Second
}

// untilDeadline is how long to wait before the rollout can be overdue; no event comes then.
func untilDeadline(d *appsv1.Deployment, s appsv1.DeploymentStatus, now time.Time) (time.Duration, bool) {
	current := condition(s.Conditions, appsv1.DeploymentProgressing)
	if !hasDeadline(d) || d.Spec.Paused || current == nil || current.Reason == reasonDone || current.Reason == reasonDeadline || complete(d, s) {
		return 0, false
	}
	return max(0, current.LastUpdateTime.Add(deadline(d)).Sub(now)) + time.Second, true
}

// replicaFailure shows a failure of the new ReplicaSet, else of any other.
func replicaFailure(r *rollout, out []appsv1.DeploymentCondition, now metav1.Time) []appsv1.DeploymentCondition {
	sets := slices.Clone(r.old)
	if r.newSet != nil {
		sets = append([]*appsv1.ReplicaSet{r.newSet}, sets...)
	}
	for _, rs := range sets {
		for _, c := range rs.Status.Conditions {
			if c.Type == appsv1.ReplicaSetReplicaFailure {
				return set(out, appsv1.DeploymentCondition{Type: appsv1.DeploymentReplicaFailure, Status: c.Status, Reason: c.Reason,
					Message: c.Message, LastTransitionTime: c.LastTransitionTime}, now)
			}
		}
	}
	return slices.DeleteFunc(out, func(c appsv1.DeploymentCondition) bool { return c.Type == appsv1.DeploymentReplicaFailure })
}

func condition(all []appsv1.DeploymentCondition, kind appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	for i := range all {
		if all[i].Type == kind {
			return &all[i]
		}
	}
	return nil
}

// set puts the condition in; LastTransitionTime moves with the status only, LastUpdateTime with status, reason, or when given.
func set(all []appsv1.DeploymentCondition, c appsv1.DeploymentCondition, now metav1.Time) []appsv1.DeploymentCondition {
	wound := !c.LastUpdateTime.IsZero()
	if !wound {
		c.LastUpdateTime = now
	}
	if c.LastTransitionTime.IsZero() {
		c.LastTransitionTime = now
	}
	old := condition(all, c.Type)
	if old == nil {
		return append(all, c)
	}
	if old.Status == c.Status {
		c.LastTransitionTime = old.LastTransitionTime
		if old.Reason == c.Reason && !wound {
			return all
		}
	}
	*old = c
	return all
}
