package devices

import (
	v1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// AtMost refuses a list that is too long. Entries of such a list are not looked at: a list far too long would otherwise cost
// far too many errors.
func AtMost(n, most int, path *field.Path) field.ErrorList {
	if n <= most {
		return nil
	}
	return field.ErrorList{field.TooMany(path, n, most)}
}

// BindingConditions checks what the scheduler waits for after it took a device, and what ends the waiting: one is of no use
// without the other, and no condition is both.
func BindingConditions(binding, failure []string, path *field.Path) field.ErrorList {
	bindingPath, failurePath := path.Child("bindingConditions"), path.Child("bindingFailureConditions")
	var errs field.ErrorList
	errs = append(errs, conditionNames(binding, v1.BindingConditionsMaxSize, bindingPath)...)
	errs = append(errs, conditionNames(failure, v1.BindingFailureConditionsMaxSize, failurePath)...)
	awaited := sets.New(binding...)
	for i, c := range failure {
		if awaited.Has(c) {
			errs = append(errs, field.Invalid(failurePath.Index(i), c, "bindingFailureConditions must not overlap with bindingConditions"))
		}
	}
	if len(binding) == 0 && len(failure) > 0 {
		errs = append(errs, field.Invalid(bindingPath, binding, "bindingConditions are required to use bindingFailureConditions"))
	}
	if len(failure) == 0 && len(binding) > 0 {
		errs = append(errs, field.Invalid(failurePath, failure, "bindingFailureConditions are required to use bindingConditions"))
	}
	return errs
}

// conditionNames looks at every entry even of a list that is too long: only few can be.
func conditionNames(list []string, most int, path *field.Path) field.ErrorList {
	errs := AtMost(len(list), most, path)
	seen := sets.New[string]()
	for i, c := range list {
		errs = append(errs, check.QualifiedName(path.Index(i), c)...)
		if seen.Has(c) {
			errs = append(errs, field.Duplicate(path.Index(i), c))
		}
		seen.Insert(c)
	}
	return errs
}
