package pod

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"
)

// ValidateUpdate checks a change of a pod. A running pod's spec is nearly frozen: images, deadline, added tolerations
// and a shorter grace period may change; while gates hold it back from scheduling, where it may go can be narrowed.
func ValidateUpdate(obj, old *v1.Pod) field.ErrorList {
	meta, path := field.NewPath("metadata"), field.NewPath("spec")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, meta)
	errs = append(errs, validateSingle(obj, podspec.ForUpdate(&old.Spec, true))...)
	if len(validateTokens(&old.Spec)) == 0 {
		errs = append(errs, validateTokens(&obj.Spec)...)
	}
	errs = append(errs, validateMirrorAnnotation(obj, old, meta.Child("annotations"))...)

	if check.Same(&obj.Spec, &old.Spec) {
		return errs // most updates: those of labels and annotations
	}
	if len(obj.Spec.Containers) != len(old.Spec.Containers) {
		return append(errs, field.Forbidden(path.Child("containers"), "pod updates may not add or remove containers"))
	}
	if len(obj.Spec.InitContainers) != len(old.Spec.InitContainers) {
		return append(errs, field.Forbidden(path.Child("initContainers"), "pod updates may not add or remove containers"))
	}
	errs = append(errs, validateDeadlineChange(obj, old, path.Child("activeDeadlineSeconds"))...)
	errs = append(errs, validateTolerationChange(obj.Spec.Tolerations, old.Spec.Tolerations, path.Child("tolerations"))...)
	errs = append(errs, validateGateRemoval(obj, old, path.Child("schedulingGates"))...)
	errs = append(errs, validateFrozen(obj, old, path)...)
	return errs
}

func validateMirrorAnnotation(obj, old *v1.Pod, path *field.Path) field.ErrorList {
	was, had := old.Annotations[v1.MirrorPodAnnotationKey]
	now, has := obj.Annotations[v1.MirrorPodAnnotationKey]
	at := path.Key(v1.MirrorPodAnnotationKey)
	switch {
	case had && !has:
		return field.ErrorList{field.Forbidden(at, "may not remove mirror pod annotation")}
	case !had && has:
		return field.ErrorList{field.Forbidden(at, "may not add mirror pod annotation")}
	case was != now:
		return field.ErrorList{field.Forbidden(at, "may not update mirror pod annotation")}
	}
	return nil
}

// validateDeadlineChange lets the deadline come nearer, never move away.
func validateDeadlineChange(obj, old *v1.Pod, path *field.Path) field.ErrorList {
	now, was := obj.Spec.ActiveDeadlineSeconds, old.Spec.ActiveDeadlineSeconds
	if was == nil {
		return nil
	}
	if now == nil {
		return field.ErrorList{field.Invalid(path, now, "must not update from a positive integer to nil value")}
	}
	if *now > *was && *now >= 1 {
		return field.ErrorList{field.Invalid(path, *now, "must be less than or equal to previous value")}
	}
	return nil
}

// validateTolerationChange lets tolerations be added, and their seconds change.
func validateTolerationChange(now, was []v1.Toleration, path *field.Path) field.ErrorList {
	if check.Same(now, was) {
		return nil
	}
	for _, old := range was {
		old.TolerationSeconds = nil
		kept := false
		for _, t := range now {
			t.TolerationSeconds = nil
			kept = kept || t == old
		}
		if !kept {
			return field.ErrorList{field.Forbidden(path, "existing toleration can not be modified except its tolerationSeconds")}
		}
	}
	return nil
}

func validateGateRemoval(obj, old *v1.Pod, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	had := sets.New[string]()
	for _, g := range old.Spec.SchedulingGates {
		had.Insert(g.Name)
	}
	for i, g := range obj.Spec.SchedulingGates {
		if !had.Has(g.Name) {
			errs = append(errs, field.Forbidden(path.Index(i).Child("name"), fmt.Sprintf("only deletion is allowed, but found new scheduling gate '%s'", g.Name)))
		}
	}
	return errs
}

// validateFrozen undoes the allowed changes in a copy and wants the rest unchanged.
func validateFrozen(obj, old *v1.Pod, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	rest := obj.Spec.DeepCopy()
	for i := range rest.Containers {
		rest.Containers[i].Image = old.Spec.Containers[i].Image
	}
	for i := range rest.InitContainers {
		rest.InitContainers[i].Image = old.Spec.InitContainers[i].Image
	}
	rest.ActiveDeadlineSeconds = nil
	if old.Spec.ActiveDeadlineSeconds != nil {
		n := *old.Spec.ActiveDeadlineSeconds
		rest.ActiveDeadlineSeconds = &n
	}
	rest.Tolerations = old.Spec.Tolerations
	rest.SchedulingGates = old.Spec.SchedulingGates
	// A negative grace period from before it was checked may be mended to one second.
	if was, now := old.Spec.TerminationGracePeriodSeconds, rest.TerminationGracePeriodSeconds; was != nil && *was < 0 && now != nil && *now == 1 {
		rest.TerminationGracePeriodSeconds = was
	}
	if len(old.Spec.SchedulingGates) > 0 {
		errs = append(errs, validateNarrowing(rest, &old.Spec, path)...)
	}
	was := old.Spec.DeepCopy()
	if check.Same(rest, was) {
		return errs
	}
	return append(errs, field.Forbidden(path, "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"+
		"`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"+
		diff.Diff(was, rest)))
}
