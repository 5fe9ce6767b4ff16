package tokenreview

import (
	v1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Validate checks a question about whom a token belongs to.
func Validate(obj *v1.TokenReview) field.ErrorList {
	if obj.Spec.Token == "" {
		return field.ErrorList{field.Required(field.NewPath("spec", "token"), "")}
	}
	return nil
}
