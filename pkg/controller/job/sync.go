package job

import (
	"context"
	"errors"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/ownership"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Sync takes one job one step further.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	j, err := c.jobs.Jobs(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.expect.Forget(key)
		return c.releaseLeftovers(ctx, key, "")
	}
	if err != nil {
		return err
	}
	if by := j.Spec.ManagedBy; by != nil && *by != batchv1.JobControllerName {
		return nil
	}
	settled := c.expect.Satisfied(key) // before listing; see Satisfied
	pods, err := c.claim(ctx, j)
	if err != nil {
		return err
	}
	if finished(&j.Status) || j.DeletionTimestamp != nil {
		// Counted already, or nobody will read the count.
		return errors.Join(c.releasePods(ctx, ended(pods, j)), c.releaseLeftovers(ctx, key, j.UID))
	}
	v := newView(j, pods, metav1.NewTime(c.clock.Now()))
	if v.status.StartTime == nil && !suspended(j) {
		v.status.StartTime = &v.now
	}
	actErr := c.act(ctx, key, v, settled)
	if left, ok := v.untilDeadline(); ok && left > 0 {
		c.queue.EnqueueAfter(key, left)
	}
	if err := c.report(ctx, v); err != nil {
		return errors.Join(actErr, err)
	}
	// Only now, when the status that accounts for them is written.
	return errors.Join(actErr, c.releasePods(ctx, v.release), c.releaseLeftovers(ctx, key, j.UID))
}

// act decides what to do with the pods. When nothing is decided and the own writes are visible, it creates and deletes.
func (c *Controller) act(ctx context.Context, key worker.Key, v *view, settled bool) error {
	if verdict := v.verdict(); verdict != nil {
		return c.conclude(ctx, key, v, verdict, settled)
	}
	if !settled {
		return nil
	}
	if suspended(v.job) {
		if err := c.deletePods(ctx, key, v, v.active); err != nil {
			return err
		}
		v.setSuspended(true)
		return nil
	}
	v.setSuspended(false)
	return c.manage(ctx, key, v)
}

// conclude ends the pods of a decided job, and finishes it when they have ended and are counted.
func (c *Controller) conclude(ctx context.Context, key worker.Key, v *view, verdict *batchv1.JobCondition, settled bool) error {
	if condition(&v.status, verdict.Type) == nil {
		v.status.Conditions = append(v.status.Conditions, *verdict)
	}
	if len(v.active) > 0 {
		end := c.endPods
		if verdict.Type == batchv1.JobSuccessCriteriaMet {
			end = c.deletePods // they did not fail
		}
		if err := end(ctx, key, v, v.active); err != nil {
			return err
		}
		return nil
	}
	if !settled || len(v.terminating) > 0 || !v.settled() {
		return nil
	}
	kind := batchv1.JobComplete
	if verdict.Type == batchv1.JobFailureTarget {
		kind = batchv1.JobFailed
	} else {
		v.status.CompletionTime = &v.now
	}
	v.status.Conditions = append(v.status.Conditions, *v.condition(kind, verdict.Reason, verdict.Message))
	return nil
}

func (v *view) setSuspended(on bool) {
	i := slices.IndexFunc(v.status.Conditions, func(c batchv1.JobCondition) bool { return c.Type == batchv1.JobSuspended })
	status, reason, message := v1.ConditionFalse, "JobResumed", "Job resumed"
	if on {
		status, reason, message = v1.ConditionTrue, "JobSuspended", "Job suspended"
		v.status.StartTime = nil
	}
	if i < 0 && !on || i >= 0 && v.status.Conditions[i].Status == status {
		return
	}
	c := v.condition(batchv1.JobSuspended, reason, message)
	c.Status = status
	if i < 0 {
		v.status.Conditions = append(v.status.Conditions, *c)
	} else {
		v.status.Conditions[i] = *c
	}
	if !on {
		v.status.StartTime = &v.now // the deadline counts from here
	}
}

func (c *Controller) report(ctx context.Context, v *view) error {
	if equality.Semantic.DeepEqual(v.status, v.job.Status) {
		return nil
	}
	j := *v.job
	j.Status = v.status
	if _, err := c.client.BatchV1().Jobs(j.Namespace).UpdateStatus(ctx, &j, metav1.UpdateOptions{}); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("writing the status: %w", err)
	}
	c.tell(v)
	return nil
}

// tell writes events about what the new status says for the first time.
func (c *Controller) tell(v *view) {
	for _, now := range v.status.Conditions {
		if slices.ContainsFunc(v.job.Status.Conditions, func(o batchv1.JobCondition) bool { return o.Type == now.Type && o.Status == now.Status }) {
			continue
		}
		switch {
		case now.Type == batchv1.JobComplete:
			c.events.Event(v.job, v1.EventTypeNormal, "Completed", "Job completed")
		case now.Type == batchv1.JobFailed:
			c.events.Event(v.job, v1.EventTypeWarning, now.Reason, now.Message)
		case now.Type == batchv1.JobSuspended && now.Status == v1.ConditionTrue:
			c.events.Event(v.job, v1.EventTypeNormal, "Suspended", "Job suspended")
		case now.Type == batchv1.JobSuspended:
			c.events.Event(v.job, v1.EventTypeNormal, "Resumed", "Job resumed")
		}
	}
}

func (c *Controller) claim(ctx context.Context, j *batchv1.Job) ([]*v1.Pod, error) {
	selector, err := metav1.LabelSelectorAsSelector(j.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("selector: %w", err)
	}
	candidates, err := c.pods.Candidates(j)
	if err != nil {
		return nil, err
	}
	return ownership.Claimer[*v1.Pod]{
		Owner: j, OwnerKind: GVK, Selector: selector, Finalizers: []string{batchv1.JobTrackingFinalizer},
		Fresh: func(ctx context.Context) (metav1.Object, error) {
			return c.client.BatchV1().Jobs(j.Namespace).Get(ctx, j.Name, metav1.GetOptions{})
		},
		Patch: c.control.Patch,
	}.Claim(ctx, candidates)
}

// ended are the pods whose finalizer serves no purpose once the job is decided for good or being deleted.
func ended(pods []*v1.Pod, j *batchv1.Job) []*v1.Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(p *v1.Pod) bool {
		return !tracked(p) || podstate.IsActive(p) && j.DeletionTimestamp == nil
	})
}

// releaseLeftovers frees pods that carry the finalizer for a job of this name that is gone.
func (c *Controller) releaseLeftovers(ctx context.Context, key worker.Key, present types.UID) error {
	c.mu.Lock()
	gone := c.gone[key]
	delete(c.gone, key)
	c.mu.Unlock()
	for uid := range gone {
		if uid == present {
			continue
		}
		pods, err := c.pods.Of(uid)
		if err == nil {
			err = c.releasePods(ctx, pods)
		}
		if err != nil {
			c.noteGone(key, uid)
			return err
		}
	}
	return nil
}

// noteGone remembers that pods of a job that no longer exists may still carry the finalizer.
func (c *Controller) noteGone(key worker.Key, uid types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone[key] == nil {
		c.gone[key] = map[types.UID]bool{}
	}
	c.gone[key][uid] = true
}
