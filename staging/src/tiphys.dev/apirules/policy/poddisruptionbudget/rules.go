package poddisruptionbudget

import (
	v1 "k8s.io/api/policy/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/api/validation/path"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// nameRule is that of any name that fits into a URL.
func nameRule(name string, _ bool) []string { return path.IsValidPathSegmentName(name) }

// Validate checks a new budget.
func Validate(obj *v1.PodDisruptionBudget) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, nameRule, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, metavalidation.LabelSelectorValidationOptions{})...)
}

// ValidateUpdate checks a change.
func ValidateUpdate(obj, old *v1.PodDisruptionBudget) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, metavalidation.LabelSelectorValidationOptions{
		AllowInvalidLabelValueInSelector: old.Spec.Selector != nil && metavalidation.LabelSelectorHasInvalidLabelValue(old.Spec.Selector)})...)
}

// A budget says either how many must stay or how many may go.
func validateSpec(spec *v1.PodDisruptionBudgetSpec, selectors metavalidation.LabelSelectorValidationOptions) field.ErrorList {
	at := field.NewPath("spec")
	var errs field.ErrorList
	if spec.MinAvailable != nil && spec.MaxUnavailable != nil {
		errs = append(errs, field.Invalid(at, spec, "minAvailable and maxUnavailable cannot be both set"))
	}
	if spec.MinAvailable != nil {
		errs = append(errs, check.IntOrPercent(at.Child("minAvailable"), *spec.MinAvailable)...)
		errs = append(errs, check.NotMoreThanHundredPercent(at.Child("minAvailable"), *spec.MinAvailable)...)
	}
	if spec.MaxUnavailable != nil {
		errs = append(errs, check.IntOrPercent(at.Child("maxUnavailable"), *spec.MaxUnavailable)...)
		errs = append(errs, check.NotMoreThanHundredPercent(at.Child("maxUnavailable"), *spec.MaxUnavailable)...)
	}
	errs = append(errs, metavalidation.ValidateLabelSelector(spec.Selector, selectors, at.Child("selector"))...)
	if spec.UnhealthyPodEvictionPolicy != nil {
		errs = append(errs, check.OneOf(at.Child("unhealthyPodEvictionPolicy"), *spec.UnhealthyPodEvictionPolicy, v1.AlwaysAllow, v1.IfHealthyBudget)...)
	}
	return errs
}

// ValidateStatusUpdate checks the counts.
func ValidateStatusUpdate(obj, old *v1.PodDisruptionBudget) field.ErrorList {
	s, at := &obj.Status, field.NewPath("status")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, metavalidation.ValidateConditions(s.Conditions, at.Child("conditions"))...)
	errs = append(errs, check.NonNegative(at.Child("disruptionsAllowed"), s.DisruptionsAllowed)...)
	errs = append(errs, check.NonNegative(at.Child("currentHealthy"), s.CurrentHealthy)...)
	errs = append(errs, check.NonNegative(at.Child("desiredHealthy"), s.DesiredHealthy)...)
	return append(errs, check.NonNegative(at.Child("expectedPods"), s.ExpectedPods)...)
}
