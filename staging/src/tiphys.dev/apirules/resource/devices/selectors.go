package devices

import (
	"fmt"

	v1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	dracel "k8s.io/dynamic-resource-allocation/cel"
)

// Selectors checks CEL expressions that pick devices. stored are those that were there before.
func Selectors(list []v1.DeviceSelector, stored sets.Set[string], path *field.Path) field.ErrorList {
	if errs := AtMost(len(list), v1.DeviceSelectorsMaxSize, path); errs != nil {
		return errs
	}
	var errs field.ErrorList
	for i, s := range list {
		errs = append(errs, selector(s, stored, path.Index(i))...)
	}
	return errs
}

func selector(s v1.DeviceSelector, stored sets.Set[string], path *field.Path) field.ErrorList {
	if s.CEL == nil {
		return field.ErrorList{field.Required(path.Child("cel"), "")}
	}
	at, text := path.Child("cel", "expression"), s.CEL.Expression
	if len(text) > v1.CELSelectorExpressionMaxLength {
		return field.ErrorList{field.TooLong(at, "", v1.CELSelectorExpressionMaxLength)}
	}
	env := environment.NewExpressions
	if stored.Has(text) {
		env = environment.StoredExpressions
	}
	r := dracel.GetCompiler(dracel.Features{EnableConsumableCapacity: true}).CompileCELExpression(text, dracel.Options{EnvType: &env})
	if r.Error != nil {
		switch r.Error.Type {
		case cel.ErrorTypeRequired:
			return field.ErrorList{field.Required(at, r.Error.Detail)}
		case cel.ErrorTypeInvalid:
			return field.ErrorList{field.Invalid(at, text, r.Error.Detail)}
		default:
			return field.ErrorList{field.InternalError(at, r.Error)}
		}
	}
	if r.MaxCost > v1.CELSelectorExpressionMaxCost {
		return field.ErrorList{field.Forbidden(at, fmt.Sprintf("too complex, exceeds cost limit (%d)", v1.CELSelectorExpressionMaxCost))}
	}
	return nil
}
