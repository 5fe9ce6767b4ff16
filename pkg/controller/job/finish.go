package job

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
)

// verdict is the condition a decided job gets; nil while it goes on.
func (v *view) verdict() *batchv1.JobCondition {
	if c := condition(&v.status, batchv1.JobFailureTarget); c != nil {
		return c
	}
	if c := condition(&v.status, batchv1.JobSuccessCriteriaMet); c != nil {
		return c
	}
	if reason, message := v.failure(); reason != "" {
		return v.condition(batchv1.JobFailureTarget, reason, message)
	}
	if reason, message := v.success(); reason != "" {
		return v.condition(batchv1.JobSuccessCriteriaMet, reason, message)
	}
	return nil
}

func (v *view) condition(kind batchv1.JobConditionType, reason, message string) *batchv1.JobCondition {
	return &batchv1.JobCondition{Type: kind, Status: v1.ConditionTrue, Reason: reason, Message: message, LastProbeTime: v.now, LastTransitionTime: v.now}
}

func (v *view) failure() (reason, message string) {
	spec := &v.job.Spec
	limit := int32(6)
	if spec.BackoffLimit != nil {
		limit = *spec.BackoffLimit
	}
	switch {
	case v.policyFailure != "":
		return batchv1.JobReasonPodFailurePolicy, v.policyFailure
	case v.failures() > limit || v.restartsExceed(limit):
		return batchv1.JobReasonBackoffLimitExceeded, "Job has reached the specified backoff limit"
	case v.overdue():
		return batchv1.JobReasonDeadlineExceeded, "Job was active longer than specified deadline"
	case spec.MaxFailedIndexes != nil && int32(len(v.failedIndexes)) > *spec.MaxFailedIndexes:
		return batchv1.JobReasonMaxFailedIndexesExceeded, "Job has exceeded the specified maximal number of failed indexes"
	case len(v.failedIndexes) > 0 && int32(len(v.failedIndexes)+len(v.succeededIndexes)) >= completions(v.job):
		return batchv1.JobReasonFailedIndexes, "Job has failed indexes"
	}
	return "", ""
}

// restartsExceed counts restarts in place as failures, for pods that are not replaced.
func (v *view) restartsExceed(limit int32) bool {
	if v.job.Spec.Template.Spec.RestartPolicy != v1.RestartPolicyOnFailure {
		return false
	}
	var n int32
	for _, p := range v.active {
		for _, list := range [][]v1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
			for i := range list {
				n += list[i].RestartCount
			}
		}
	}
	return n > 0 && n >= limit
}

func (v *view) overdue() bool {
	left, ok := v.untilDeadline()
	return ok && left <= 0
}

// untilDeadline is the time left; false when there is no deadline or its clock stands still.
func (v *view) untilDeadline() (time.Duration, bool) {
	if v.job.Spec.ActiveDeadlineSeconds == nil || v.status.StartTime == nil || suspended(v.job) {
		return 0, false
	}
	return v.status.StartTime.Add(time.Duration(*v.job.Spec.ActiveDeadlineSeconds) * time.Second).Sub(v.now.Time), true
}

func (v *view) success() (reason, message string) {
	if policy := v.job.Spec.SuccessPolicy; policy != nil && isIndexed(v.job) {
		for i, r := range policy.Rules {
			if v.ruleMet(r) {
				return batchv1.JobReasonSuccessPolicy, fmt.Sprintf("Matched rules at index %d", i)
			}
		}
	}
	n := v.successes()
	switch {
	case v.job.Spec.Completions == nil && n > 0 && len(v.active) == 0 && len(v.terminating) == 0,
		v.job.Spec.Completions != nil && n >= *v.job.Spec.Completions:
		return batchv1.JobReasonCompletionsReached, "Reached expected number of succeeded pods"
	}
	return "", ""
}

func (v *view) ruleMet(r batchv1.SuccessPolicyRule) bool {
	met := v.succeededIndexes
	if r.SucceededIndexes != nil {
		wanted := parseIndexes(*r.SucceededIndexes, completions(v.job))
		var both indexSet
		for _, i := range wanted {
			if met.has(i) {
				both = append(both, i)
			}
		}
		if r.SucceededCount == nil {
			return len(both) == len(wanted)
		}
		met = both
	}
	return r.SucceededCount != nil && int32(len(met)) >= *r.SucceededCount
}
