package job

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

func holds(conditions []batchv1.JobCondition, t batchv1.JobConditionType) bool {
	for _, c := range conditions {
		if c.Type == t && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

// validateFinish checks the story a status tells: a job ends once, one way, and nothing of it runs afterwards.
func validateFinish(obj, old *batchv1.Job, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	s, was := &obj.Status, &old.Status
	conditions := path.Child("conditions")
	complete, failed := holds(s.Conditions, batchv1.JobComplete), holds(s.Conditions, batchv1.JobFailed)
	finished := complete || failed
	if complete && failed {
		errs = append(errs, field.Invalid(conditions, field.OmitValueType{}, "cannot set Complete=True and Failed=true conditions"))
	}
	for _, t := range []batchv1.JobConditionType{batchv1.JobComplete, batchv1.JobFailed, batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet} {
		if holds(was.Conditions, t) && !holds(s.Conditions, t) {
			errs = append(errs, field.Invalid(conditions, field.OmitValueType{}, fmt.Sprintf("cannot disable the terminal %s=True condition", t)))
		}
	}
	if holds(s.Conditions, batchv1.JobFailureTarget) && holds(s.Conditions, batchv1.JobSuccessCriteriaMet) {
		errs = append(errs, field.Invalid(conditions, field.OmitValueType{}, "cannot set FailureTarget=True and SuccessCriteriaMet=true conditions"))
	}
	if finished {
		if s.Active > 0 {
			errs = append(errs, field.Invalid(path.Child("active"), s.Active, "active>0 is invalid for finished job"))
		}
		if s.Terminating != nil && *s.Terminating > 0 {
			errs = append(errs, field.Invalid(path.Child("terminating"), *s.Terminating, "terminating>0 is invalid for finished job"))
		}
		if s.Ready != nil && *s.Ready > 0 {
			errs = append(errs, field.Invalid(path.Child("ready"), *s.Ready, "ready>0 is invalid for finished job"))
		}
		if u := s.UncountedTerminatedPods; u != nil && len(u.Succeeded)+len(u.Failed) > 0 {
			errs = append(errs, field.Invalid(path.Child("uncountedTerminatedPods"), s.UncountedTerminatedPods, "uncountedTerminatedPods needs to be empty for finished job"))
		}
	}
	errs = append(errs, validateTimes(s, was, complete, path)...)
	if s.Ready != nil && *s.Ready > s.Active {
		errs = append(errs, field.Invalid(path.Child("ready"), *s.Ready, "cannot set more ready pods than active"))
	}
	if complete && !holds(was.Conditions, batchv1.JobComplete) && !holds(s.Conditions, batchv1.JobSuccessCriteriaMet) && obj.Spec.SuccessPolicy != nil {
		errs = append(errs, field.Invalid(conditions, field.OmitValueType{}, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"))
	}
	if was.Succeeded > s.Succeeded && !indexed(obj) {
		errs = append(errs, field.Invalid(path.Child("succeeded"), s.Succeeded, "cannot decrease succeeded counter"))
	}
	return append(errs, validateIndexTexts(obj, old, path)...)
}

func indexed(j *batchv1.Job) bool {
	return j.Spec.CompletionMode != nil && *j.Spec.CompletionMode == batchv1.IndexedCompletion
}

func validateTimes(s, was *batchv1.JobStatus, complete bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	at := path.Child("completionTime")
	switch {
	case complete && s.CompletionTime == nil:
		errs = append(errs, field.Required(at, "completionTime is required for Complete jobs"))
	case !complete && s.CompletionTime != nil:
		errs = append(errs, field.Invalid(at, s.CompletionTime, "cannot set completionTime when there is no Complete=True condition"))
	}
	if was.CompletionTime != nil && s.CompletionTime != nil && !was.CompletionTime.Equal(s.CompletionTime) {
		errs = append(errs, field.Invalid(at, s.CompletionTime, "field is immutable once set"))
	}
	if complete && s.StartTime == nil {
		errs = append(errs, field.Required(path.Child("startTime"), "startTime is required for finished job"))
	}
	if s.CompletionTime != nil && s.StartTime != nil && s.CompletionTime.Before(s.StartTime) {
		errs = append(errs, field.Invalid(at, s.CompletionTime, "completionTime cannot be set before startTime"))
	}
	return errs
}

func validateIndexTexts(obj, old *batchv1.Job, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	s, was := &obj.Status, &old.Status
	if s.CompletedIndexes != was.CompletedIndexes && s.CompletedIndexes != "" {
		at := path.Child("completedIndexes")
		if !indexed(obj) {
			errs = append(errs, field.Invalid(at, s.CompletedIndexes, "cannot set non-empty completedIndexes when non-indexed completion mode"))
		}
		if _, err := countIndexes(s.CompletedIndexes, completions(&obj.Spec)); err != nil {
			errs = append(errs, field.Invalid(at, s.CompletedIndexes, fmt.Sprintf("error parsing completedIndexes: %s", err)))
		}
	}
	if s.FailedIndexes != nil && !check.Same(s.FailedIndexes, was.FailedIndexes) {
		at := path.Child("failedIndexes")
		if obj.Spec.BackoffLimitPerIndex == nil {
			errs = append(errs, field.Invalid(at, *s.FailedIndexes, "cannot set non-null failedIndexes when backoffLimitPerIndex is null"))
		} else if _, err := countIndexes(*s.FailedIndexes, completions(&obj.Spec)); err != nil {
			errs = append(errs, field.Invalid(at, *s.FailedIndexes, fmt.Sprintf("error parsing failedIndexes: %s", err)))
		}
	}
	return errs
}
