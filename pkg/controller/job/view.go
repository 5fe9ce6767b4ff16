package job

import (
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// view is one job with its pods, sorted out, and the status that follows from them.
type view struct {
	job         *batchv1.Job
	pods        []*v1.Pod
	active      []*v1.Pod
	terminating []*v1.Pod
	now         metav1.Time

	status batchv1.JobStatus
	// succeeded and failedIndexes of an Indexed job.
	succeededIndexes, failedIndexes indexSet
	// release are pods that are accounted for and still have the finalizer.
	release []*v1.Pod
	// policyFailure is the message of a pod failure that fails the job.
	policyFailure string
}

func newView(j *batchv1.Job, pods []*v1.Pod, now metav1.Time) *view {
	v := &view{job: j, pods: pods, now: now, status: *j.Status.DeepCopy()}
	for _, p := range pods {
		switch {
		case podstate.IsActive(p):
			v.active = append(v.active, p)
		case p.DeletionTimestamp != nil && !podstate.IsTerminal(p):
			v.terminating = append(v.terminating, p)
		}
	}
	v.account()
	v.status.Active = int32(len(v.active))
	ready, terminating := int32(0), int32(len(v.terminating))
	for _, p := range v.active {
		if podstate.IsReady(p) {
			ready++
		}
	}
	v.status.Ready, v.status.Terminating = &ready, &terminating
	return v
}

func tracked(p *v1.Pod) bool { return slices.Contains(p.Finalizers, batchv1.JobTrackingFinalizer) }

// account does the book-keeping described in the package comment.
func (v *view) account() {
	limit := int32(0)
	if isIndexed(v.job) {
		limit = completions(v.job)
		v.succeededIndexes = parseIndexes(v.status.CompletedIndexes, limit)
		if v.status.FailedIndexes != nil {
			v.failedIndexes = parseIndexes(*v.status.FailedIndexes, limit)
		}
	}
	uncounted := batchv1.UncountedTerminatedPods{}
	if u := v.status.UncountedTerminatedPods; u != nil {
		uncounted = *u
	}
	held := map[types.UID]bool{}
	for _, p := range v.pods {
		if tracked(p) {
			held[p.UID] = true
		}
	}
	v.status.Succeeded += released(&uncounted.Succeeded, held)
	v.status.Failed += released(&uncounted.Failed, held)
	for _, p := range v.pods {
		if tracked(p) {
			v.accountPod(p, &uncounted, limit)
		}
	}
	v.status.UncountedTerminatedPods = &uncounted
	if isIndexed(v.job) {
		v.status.CompletedIndexes = v.succeededIndexes.String()
		v.status.Succeeded = int32(len(v.succeededIndexes))
		if v.job.Spec.BackoffLimitPerIndex != nil {
			s := v.failedIndexes.String()
			v.status.FailedIndexes = &s
		}
	}
}

// released takes out the UIDs of pods whose finalizer is gone, and counts them.
func released(uids *[]types.UID, held map[types.UID]bool) int32 {
	before := len(*uids)
	*uids = slices.DeleteFunc(*uids, func(u types.UID) bool { return !held[u] })
	return int32(before - len(*uids))
}

func (v *view) accountPod(p *v1.Pod, uncounted *batchv1.UncountedTerminatedPods, limit int32) {
	switch {
	case p.Status.Phase == v1.PodSucceeded:
		v.release = append(v.release, p)
		switch i := indexOf(p); {
		case !isIndexed(v.job):
			if !slices.Contains(uncounted.Succeeded, p.UID) {
				uncounted.Succeeded = append(uncounted.Succeeded, p.UID)
			}
		case i >= 0 && i < limit && !v.failedIndexes.has(i):
			v.succeededIndexes = v.succeededIndexes.with(i)
		}
	case failed(p, v.job):
		v.release = append(v.release, p)
		if slices.Contains(uncounted.Failed, p.UID) {
			return
		}
		action, message := match(v.job.Spec.PodFailurePolicy, p)
		if action == batchv1.PodFailurePolicyActionIgnore {
			return
		}
		uncounted.Failed = append(uncounted.Failed, p.UID)
		if action == batchv1.PodFailurePolicyActionFailJob && v.policyFailure == "" {
			v.policyFailure = message
		}
		if i := indexOf(p); v.job.Spec.BackoffLimitPerIndex != nil && i >= 0 && i < limit && !v.succeededIndexes.has(i) &&
			(action == batchv1.PodFailurePolicyActionFailIndex || indexFailures(p) >= *v.job.Spec.BackoffLimitPerIndex) {
			v.failedIndexes = v.failedIndexes.with(i)
		}
	}
}

// failed tells whether the pod counts as failed. One that is only being deleted does so at once, as its node may never say how
// it ended; unless the job wants to know (podReplacementPolicy Failed).
func failed(p *v1.Pod, j *batchv1.Job) bool {
	if p.Status.Phase == v1.PodFailed {
		return true
	}
	return p.DeletionTimestamp != nil && p.Status.Phase != v1.PodSucceeded && !onlyReplaceFailed(j)
}

func onlyReplaceFailed(j *batchv1.Job) bool {
	return j.Spec.PodReplacementPolicy != nil && *j.Spec.PodReplacementPolicy == batchv1.Failed
}

// failures are the pods counted or about to be counted as failed.
func (v *view) failures() int32 {
	return v.status.Failed + int32(len(v.status.UncountedTerminatedPods.Failed))
}

func (v *view) successes() int32 {
	return v.status.Succeeded + int32(len(v.status.UncountedTerminatedPods.Succeeded))
}

// settled tells whether nothing waits to be counted.
func (v *view) settled() bool {
	u := v.status.UncountedTerminatedPods
	return len(u.Failed)+len(u.Succeeded)+len(v.release) == 0
}

func completions(j *batchv1.Job) int32 {
	if j.Spec.Completions == nil {
		return 0
	}
	return *j.Spec.Completions
}

func parallelism(j *batchv1.Job) int32 {
	if j.Spec.Parallelism == nil {
		return 1
	}
	return *j.Spec.Parallelism
}

func suspended(j *batchv1.Job) bool { return j.Spec.Suspend != nil && *j.Spec.Suspend }

func condition(s *batchv1.JobStatus, kind batchv1.JobConditionType) *batchv1.JobCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind && s.Conditions[i].Status == v1.ConditionTrue {
			return &s.Conditions[i]
		}
	}
	return nil
}

func finished(s *batchv1.JobStatus) bool {
	return condition(s, batchv1.JobComplete) != nil || condition(s, batchv1.JobFailed) != nil
}

// finishTime is when the pod's last container ended.
func finishTime(p *v1.Pod) time.Time {
	var last time.Time
	for i := range p.Status.ContainerStatuses {
		if t := p.Status.ContainerStatuses[i].State.Terminated; t != nil && t.FinishedAt.After(last) {
			last = t.FinishedAt.Time
		}
	}
	if !last.IsZero() {
		return last
	}
	if c := podstate.Condition(p, v1.PodReady); c != nil && !c.LastTransitionTime.IsZero() {
		return c.LastTransitionTime.Time
	}
	if p.DeletionTimestamp != nil {
		return p.DeletionTimestamp.Time
	}
	return p.CreationTimestamp.Time
}
