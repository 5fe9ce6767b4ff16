package mutatingadmissionpolicybinding

import (
	v1 "k8s.io/api/admissionregistration/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/admissionregistration/policyrules"
)

// SetDefaults completes what the binding narrows the policy to.
func SetDefaults(obj *v1.MutatingAdmissionPolicyBinding) {
	policyrules.SetMatchDefaults(obj.Spec.MatchResources)
}

// Validate checks a new binding.
func Validate(obj *v1.MutatingAdmissionPolicyBinding) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	path := field.NewPath("spec")
	errs = append(errs, policyrules.ValidatePolicyName(obj.Spec.PolicyName, path.Child("policyName"))...)
	errs = append(errs, policyrules.ValidateParamRef(obj.Spec.ParamRef, path.Child("paramRef"))...)
	errs = append(errs, policyrules.ValidateMatch(obj.Spec.MatchResources, false, path.Child("matchResources"))...)
	return append(errs, policyrules.UnknownOperations(obj.Spec.MatchResources, path.Child("matchResources", "resourceRules"))...)
}

// ValidateUpdate checks a change; any valid binding may take the place of another.
func ValidateUpdate(obj, _ *v1.MutatingAdmissionPolicyBinding) field.ErrorList { return Validate(obj) }
