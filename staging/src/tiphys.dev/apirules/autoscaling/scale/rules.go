package scale

import (
	v1 "k8s.io/api/autoscaling/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// Validate checks a scale, the view that every scalable kind offers of its number of replicas.
func Validate(obj *v1.Scale) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, check.NonNegative(field.NewPath("spec", "replicas"), obj.Spec.Replicas)...)
}

// ValidateUpdate checks a change of the number.
func ValidateUpdate(obj, _ *v1.Scale) field.ErrorList { return Validate(obj) }
