package job

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"
)

// ValidateUpdate checks a change. The work a job does is fixed; how much of it at once, and whether at all, may change. As
// long as it is suspended and no pod was started, where its pods may run and what they ask for may change too.
func ValidateUpdate(obj, old *batchv1.Job) field.ErrorList {
	path := field.NewPath("spec")
	opts := podspec.ForUpdate(&old.Spec.Template.Spec, false)
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateGeneratedSelector(obj)...)
	errs = append(errs, validateSpec(&obj.Spec, path, opts, metavalidation.LabelSelectorValidationOptions{
		AllowInvalidLabelValueInSelector: metavalidation.LabelSelectorHasInvalidLabelValue(old.Spec.Selector)})...)
	errs = append(errs, validateCompletionsChange(obj, old, path)...)
	immutable := func(child string, now, was any) {
		errs = append(errs, apivalidation.ValidateImmutableField(now, was, path.Child(child))...)
	}
	immutable("selector", obj.Spec.Selector, old.Spec.Selector)
	errs = append(errs, validateTemplateChange(obj, old, path)...)
	immutable("completionMode", obj.Spec.CompletionMode, old.Spec.CompletionMode)
	immutable("podFailurePolicy", obj.Spec.PodFailurePolicy, old.Spec.PodFailurePolicy)
	immutable("backoffLimitPerIndex", obj.Spec.BackoffLimitPerIndex, old.Spec.BackoffLimitPerIndex)
	immutable("managedBy", obj.Spec.ManagedBy, old.Spec.ManagedBy)
	immutable("successPolicy", obj.Spec.SuccessPolicy, old.Spec.SuccessPolicy)
	return errs
}

// validateCompletionsChange: an indexed job may be scaled when completions and parallelism change together. The mode that is asked
// for counts: a job that would leave the mode is told of both.
func validateCompletionsChange(obj, old *batchv1.Job, path *field.Path) field.ErrorList {
	at := path.Child("completions")
	indexed := obj.Spec.CompletionMode != nil && *obj.Spec.CompletionMode == batchv1.IndexedCompletion
	if !indexed || obj.Spec.Completions == nil {
		return apivalidation.ValidateImmutableField(obj.Spec.Completions, old.Spec.Completions, at)
	}
	if check.Same(obj.Spec.Completions, old.Spec.Completions) {
		return nil
	}
	if obj.Spec.Parallelism == nil || *obj.Spec.Completions != *obj.Spec.Parallelism {
		return field.ErrorList{field.Invalid(at, obj.Spec.Completions, "can only be modified in tandem with spec.parallelism")}
	}
	return nil
}

func validateTemplateChange(obj, old *batchv1.Job, path *field.Path) field.ErrorList {
	was := old.Spec.Template.DeepCopy()
	now := &obj.Spec.Template
	suspended := old.Spec.Suspend != nil && *old.Spec.Suspend
	if suspended && neverStarted(old) {
		allowSchedulingChanges(was, now)
	}
	if suspended && quiet(old) {
		allowSchedulingChanges(was, now)
		allowResourceChanges(was.Spec.Containers, now.Spec.Containers)
		allowResourceChanges(was.Spec.InitContainers, now.Spec.InitContainers)
	}
	if suspended && neverStarted(old) {
		// Its labels and annotations may change as well, so what is left is the spec.
		return apivalidation.ValidateImmutableField(now.Spec, was.Spec, path.Child("template", "spec"))
	}
	return apivalidation.ValidateImmutableField(*now, *was, path.Child("template"))
}

func neverStarted(j *batchv1.Job) bool { return j.Status.StartTime == nil }

// quiet says whether a suspended job has no pods any more: the condition says that the controller saw it.
func quiet(j *batchv1.Job) bool {
	for _, c := range j.Status.Conditions {
		if c.Type == batchv1.JobSuspended && c.Status == corev1.ConditionTrue {
			return j.Status.Active == 0
		}
	}
	return neverStarted(j) && j.Status.Active == 0
}

func allowSchedulingChanges(was, now *corev1.PodTemplateSpec) {
	if now.Spec.Affinity != nil && now.Spec.Affinity.NodeAffinity != nil || was.Spec.Affinity != nil && was.Spec.Affinity.NodeAffinity != nil {
		var affinity *corev1.NodeAffinity
		if now.Spec.Affinity != nil {
			affinity = now.Spec.Affinity.NodeAffinity
		}
		switch {
		case was.Spec.Affinity == nil:
			was.Spec.Affinity = &corev1.Affinity{NodeAffinity: affinity}
		case affinity == nil && was.Spec.Affinity.PodAffinity == nil && was.Spec.Affinity.PodAntiAffinity == nil && now.Spec.Affinity == nil:
			was.Spec.Affinity = nil
		default:
			was.Spec.Affinity.NodeAffinity = affinity
		}
	}
	was.Spec.NodeSelector = now.Spec.NodeSelector
	was.Spec.Tolerations = now.Spec.Tolerations
	was.Spec.SchedulingGates = now.Spec.SchedulingGates
	was.Annotations, was.Labels = now.Annotations, now.Labels
}

func allowResourceChanges(was, now []corev1.Container) {
	if len(was) != len(now) {
		return
	}
	for i := range was {
		was[i].Resources = now[i].Resources
	}
}

// ValidateStatusUpdate checks what the job controller reports.
func ValidateStatusUpdate(obj, old *batchv1.Job) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	s, path := &obj.Status, field.NewPath("status")
	errs = append(errs, check.NonNegative(path.Child("active"), s.Active)...)
	errs = append(errs, check.NonNegative(path.Child("succeeded"), s.Succeeded)...)
	errs = append(errs, check.NonNegative(path.Child("failed"), s.Failed)...)
	errs = append(errs, check.NonNegativePointer(path.Child("ready"), s.Ready)...)
	errs = append(errs, check.NonNegativePointer(path.Child("terminating"), s.Terminating)...)
	if u := s.UncountedTerminatedPods; u != nil {
		seen := sets.New[string]()
		at := path.Child("uncountedTerminatedPods")
		for i, uid := range u.Succeeded {
			errs = append(errs, countOnce(seen, string(uid), at.Child("succeeded").Index(i))...)
		}
		for i, uid := range u.Failed {
			errs = append(errs, countOnce(seen, string(uid), at.Child("failed").Index(i))...)
		}
	}
	return append(errs, validateFinish(obj, old, path)...)
}

func countOnce(seen sets.Set[string], uid string, path *field.Path) field.ErrorList {
	if uid == "" {
		return field.ErrorList{field.Invalid(path, uid, "must not be empty")}
	}
	if seen.Has(uid) {
		return field.ErrorList{field.Duplicate(path, uid)}
	}
	seen.Insert(uid)
	return nil
}
