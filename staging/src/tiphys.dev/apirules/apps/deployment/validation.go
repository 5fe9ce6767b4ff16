package deployment

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"
)

// Validate checks a new deployment.
func Validate(obj *appsv1.Deployment) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, podspec.Options{}, metavalidation.LabelSelectorValidationOptions{})...)
}

// ValidateUpdate checks a change. The selector never changes.
func ValidateUpdate(obj, old *appsv1.Deployment) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateSpec(&obj.Spec, podspec.ForUpdate(&old.Spec.Template.Spec, false), metavalidation.LabelSelectorValidationOptions{
		AllowInvalidLabelValueInSelector: metavalidation.LabelSelectorHasInvalidLabelValue(old.Spec.Selector)})...)
	return append(errs, apivalidation.ValidateImmutableField(obj.Spec.Selector, old.Spec.Selector, field.NewPath("spec", "selector"))...)
}

func validateSpec(spec *appsv1.DeploymentSpec, opts podspec.Options, selectors metavalidation.LabelSelectorValidationOptions) field.ErrorList {
	path := field.NewPath("spec")
	errs := check.NonNegativePointer(path.Child("replicas"), spec.Replicas)
	if spec.Selector == nil {
		errs = append(errs, field.Required(path.Child("selector"), ""))
	} else {
		errs = append(errs, metavalidation.ValidateLabelSelector(spec.Selector, selectors, path.Child("selector"))...)
		if len(spec.Selector.MatchLabels)+len(spec.Selector.MatchExpressions) == 0 {
			errs = append(errs, field.Invalid(path.Child("selector"), spec.Selector, "empty selector is invalid for deployment"))
		}
	}
	template := path.Child("template")
	if selector, err := metav1.LabelSelectorAsSelector(spec.Selector); err != nil {
		errs = append(errs, field.Invalid(path.Child("selector"), spec.Selector, "invalid label selector"))
	} else {
		if !selector.Empty() && !selector.Matches(labels.Set(spec.Template.Labels)) {
			errs = append(errs, field.Invalid(template.Child("metadata", "labels"), spec.Template.Labels, "`selector` does not match template `labels`"))
		}
		errs = append(errs, podspec.ValidateTemplate(&spec.Template, template, opts)...)
		errs = append(errs, podspec.ValidateRunsForever(&spec.Template.Spec, template.Child("spec"))...)
	}
	errs = append(errs, validateStrategy(&spec.Strategy, path.Child("strategy"))...)
	errs = append(errs, check.NonNegative(path.Child("minReadySeconds"), spec.MinReadySeconds)...)
	errs = append(errs, check.NonNegativePointer(path.Child("revisionHistoryLimit"), spec.RevisionHistoryLimit)...)
	if deadline := spec.ProgressDeadlineSeconds; deadline != nil {
		errs = append(errs, check.NonNegative(path.Child("progressDeadlineSeconds"), *deadline)...)
		if *deadline <= spec.MinReadySeconds {
			errs = append(errs, field.Invalid(path.Child("progressDeadlineSeconds"), *deadline, "must be greater than minReadySeconds"))
		}
	}
	return errs
}

func validateStrategy(s *appsv1.DeploymentStrategy, path *field.Path) field.ErrorList {
	switch s.Type {
	case appsv1.RecreateDeploymentStrategyType:
		if s.RollingUpdate != nil {
			return field.ErrorList{field.Forbidden(path.Child("rollingUpdate"), fmt.Sprintf("may not be specified when strategy `type` is '%s'", s.Type))}
		}
		return nil
	case appsv1.RollingUpdateDeploymentStrategyType:
		if s.RollingUpdate == nil {
			return field.ErrorList{field.Required(path.Child("rollingUpdate"), "this should be defaulted and never be nil")}
		}
		return validateRollingUpdate(s.RollingUpdate, path.Child("rollingUpdate"))
	}
	return field.ErrorList{field.NotSupported(path, s, []appsv1.DeploymentStrategyType{appsv1.RecreateDeploymentStrategyType, appsv1.RollingUpdateDeploymentStrategyType})}
}

// validateRollingUpdate wants progress to be possible: a pod more or a pod less at a time, at least.
func validateRollingUpdate(r *appsv1.RollingUpdateDeployment, path *field.Path) field.ErrorList {
	var unavailable, surge intstr.IntOrString
	if r.MaxUnavailable != nil {
		unavailable = *r.MaxUnavailable
	}
	if r.MaxSurge != nil {
		surge = *r.MaxSurge
	}
	errs := check.IntOrPercent(path.Child("maxUnavailable"), unavailable)
	errs = append(errs, check.IntOrPercent(path.Child("maxSurge"), surge)...)
	if zero(unavailable) && zero(surge) {
		errs = append(errs, field.Invalid(path.Child("maxUnavailable"), r.MaxUnavailable, "may not be 0 when `maxSurge` is 0"))
	}
	return append(errs, check.NotMoreThanHundredPercent(path.Child("maxUnavailable"), unavailable)...)
}

func zero(v intstr.IntOrString) bool {
	if n, ok := check.Percent(v); ok {
		return n == 0
	}
	return v.Type == intstr.Int && v.IntValue() == 0
}

// ValidateStatusUpdate checks the counts. The number of label collisions only grows.
func ValidateStatusUpdate(obj, old *appsv1.Deployment) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	s, path := &obj.Status, field.NewPath("status")
	errs = append(errs, check.NonNegative(path.Child("observedGeneration"), s.ObservedGeneration)...)
	errs = append(errs, check.NonNegative(path.Child("replicas"), s.Replicas)...)
	errs = append(errs, check.NonNegative(path.Child("updatedReplicas"), s.UpdatedReplicas)...)
	errs = append(errs, check.NonNegative(path.Child("readyReplicas"), s.ReadyReplicas)...)
	errs = append(errs, check.NonNegative(path.Child("availableReplicas"), s.AvailableReplicas)...)
	errs = append(errs, check.NonNegative(path.Child("unavailableReplicas"), s.UnavailableReplicas)...)
	errs = append(errs, check.NonNegativePointer(path.Child("terminatingReplicas"), s.TerminatingReplicas)...)
	errs = append(errs, check.NonNegativePointer(path.Child("collisionCount"), s.CollisionCount)...)
	const tooMany = "cannot be greater than status.replicas"
	for _, c := range []struct {
		child string
		count int32
	}{{"updatedReplicas", s.UpdatedReplicas}, {"readyReplicas", s.ReadyReplicas}, {"availableReplicas", s.AvailableReplicas}} {
		if c.count > s.Replicas {
			errs = append(errs, field.Invalid(path.Child(c.child), c.count, tooMany))
		}
	}
	if s.AvailableReplicas > s.ReadyReplicas {
		errs = append(errs, field.Invalid(path.Child("availableReplicas"), s.AvailableReplicas, "cannot be greater than readyReplicas"))
	}
	return append(errs, podspec.ValidateCollisionCount(s.CollisionCount, old.Status.CollisionCount, path.Child("collisionCount"))...)
}
