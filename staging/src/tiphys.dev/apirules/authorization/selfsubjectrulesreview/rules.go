package selfsubjectrulesreview

import (
	v1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Validate checks a question about all one may do in a namespace, which must be named.
func Validate(obj *v1.SelfSubjectRulesReview) field.ErrorList {
	if obj.Spec.Namespace == "" {
		return field.ErrorList{field.Required(field.NewPath("spec", "namespace"), "")}
	}
	return nil
}
