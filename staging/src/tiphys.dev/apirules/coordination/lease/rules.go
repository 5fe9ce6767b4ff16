package lease

import (
	v1 "k8s.io/api/coordination/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// Validate checks a new lease.
func Validate(obj *v1.Lease) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec)...)
}

// ValidateUpdate checks a change of holder or time.
func ValidateUpdate(obj, old *v1.Lease) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec)...)
}

func validateSpec(spec *v1.LeaseSpec) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if spec.LeaseDurationSeconds != nil && *spec.LeaseDurationSeconds <= 0 {
		errs = append(errs, field.Invalid(path.Child("leaseDurationSeconds"), *spec.LeaseDurationSeconds, "must be greater than 0"))
	}
	if spec.LeaseTransitions != nil && *spec.LeaseTransitions < 0 {
		errs = append(errs, field.Invalid(path.Child("leaseTransitions"), *spec.LeaseTransitions, check.NotNegative))
	}
	if spec.Strategy != nil {
		errs = append(errs, validateStrategy(*spec.Strategy, path.Child("strategy"))...)
	}
	if spec.PreferredHolder != nil && *spec.PreferredHolder != "" && (spec.Strategy == nil || *spec.Strategy == "") {
		errs = append(errs, field.Forbidden(path.Child("preferredHolder"), "may only be specified if `strategy` is defined"))
	}
	return errs
}

// A strategy of others has a domain in front; one without must be known.
func validateStrategy(s v1.CoordinatedLeaseStrategy, path *field.Path) field.ErrorList {
	if s == v1.OldestEmulationVersion {
		return nil
	}
	errs := check.QualifiedName(path, string(s))
	for _, c := range s {
		if c == '/' {
			return errs
		}
	}
	return append(errs, field.NotSupported(path, s, []v1.CoordinatedLeaseStrategy{v1.OldestEmulationVersion}))
}
