package tokenrequest

import (
	v1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	shortest = 10 * 60
	longest  = 1 << 32
	anHour   = int64(60 * 60)
)

// SetDefaults asks for a token of an hour.
func SetDefaults(obj *v1.TokenRequest) {
	if obj.Spec.ExpirationSeconds == nil {
		seconds := anHour
		obj.Spec.ExpirationSeconds = &seconds
	}
}

// Validate checks how long a token is asked to live. Without number it is a question of its own, so SetDefaults goes first.
func Validate(obj *v1.TokenRequest) field.ErrorList {
	path := field.NewPath("spec", "expirationSeconds")
	if obj.Spec.ExpirationSeconds == nil {
		return field.ErrorList{field.Required(path, "")}
	}
	var errs field.ErrorList
	if n := *obj.Spec.ExpirationSeconds; n < shortest {
		errs = append(errs, field.Invalid(path, n, "may not specify a duration less than 10 minutes"))
	} else if n > longest {
		errs = append(errs, field.Invalid(path, n, "may not specify a duration larger than 2^32 seconds"))
	}
	return errs
}
