package check

import (
	"k8s.io/apimachinery/pkg/api/equality"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Immutable wants a field to stay as it was.
func Immutable(path *field.Path, now, old any) field.ErrorList {
	if equality.Semantic.DeepEqual(now, old) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, now, apivalidation.FieldImmutableErrorMsg).WithOrigin("immutable")}
}

// Same says whether two values mean the same to the API: nil and empty lists are equal, quantities compare by amount.
func Same(a, b any) bool { return equality.Semantic.DeepEqual(a, b) }
