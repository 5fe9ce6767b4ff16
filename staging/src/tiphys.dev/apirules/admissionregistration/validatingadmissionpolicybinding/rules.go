package validatingadmissionpolicybinding

import (
	v1 "k8s.io/api/admissionregistration/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/admissionregistration/policyrules"
	"tiphys.dev/apirules/check"
)

// SetDefaults completes what the binding narrows the policy to.
func SetDefaults(obj *v1.ValidatingAdmissionPolicyBinding) {
	policyrules.SetMatchDefaults(obj.Spec.MatchResources)
}

// Validate checks a new binding.
func Validate(obj *v1.ValidatingAdmissionPolicyBinding) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	path := field.NewPath("spec")
	errs = append(errs, policyrules.ValidatePolicyName(obj.Spec.PolicyName, path.Child("policyName"))...)
	errs = append(errs, policyrules.ValidateParamRef(obj.Spec.ParamRef, path.Child("paramRef"))...)
	errs = append(errs, policyrules.ValidateMatch(obj.Spec.MatchResources, false, path.Child("matchResources"))...)
	return append(errs, validateActions(obj.Spec.ValidationActions, path.Child("validationActions"))...)
}

// validateActions checks what follows from a failed validation: to deny and to warn is to say it twice.
func validateActions(actions []v1.ValidationAction, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[v1.ValidationAction]()
	for i, a := range actions {
		errs = append(errs, check.OneOf(path.Index(i), a, v1.Audit, v1.Deny, v1.Warn)...)
		if seen.Has(a) {
			errs = append(errs, field.Duplicate(path.Index(i), a))
		}
		seen.Insert(a)
	}
	if seen.HasAll(v1.Deny, v1.Warn) {
		errs = append(errs, field.Invalid(path, actions, "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)"))
	}
	if len(actions) == 0 {
		errs = append(errs, field.Required(path, "at least one validation action is required"))
	}
	return errs
}

// ValidateUpdate checks a change; any valid binding may take the place of another.
func ValidateUpdate(obj, _ *v1.ValidatingAdmissionPolicyBinding) field.ErrorList {
	return Validate(obj)
}
