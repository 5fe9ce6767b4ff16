package attributes

import (
	v1 "k8s.io/api/authorization/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Validate wants a question about a resource or about a path, not both.
func Validate(resource *v1.ResourceAttributes, nonResource *v1.NonResourceAttributes, spec *field.Path) field.ErrorList {
	var errs field.ErrorList
	if resource != nil && nonResource != nil {
		errs = append(errs, field.Invalid(spec.Child("nonResourceAttributes"), nonResource, "cannot be specified in combination with resourceAttributes"))
	}
	if resource == nil && nonResource == nil {
		errs = append(errs, field.Invalid(spec.Child("resourceAttributes"), resource, "exactly one of nonResourceAttributes or resourceAttributes must be specified"))
	}
	if resource != nil {
		errs = append(errs, validateSelectors(resource, spec.Child("resourceAttributes"))...)
	}
	return errs
}

func validateSelectors(r *v1.ResourceAttributes, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s := r.FieldSelector; s != nil {
		at := path.Child("fieldSelector")
		errs = append(errs, validateForm(s.RawSelector, len(s.Requirements), at)...)
		for i, requirement := range s.Requirements {
			errs = append(errs, metavalidation.ValidateFieldSelectorRequirement(requirement, metavalidation.FieldSelectorValidationOptions{AllowUnknownOperatorInRequirement: true}, at.Child("requirements").Index(i))...)
		}
	}
	if s := r.LabelSelector; s != nil {
		at := path.Child("labelSelector")
		errs = append(errs, validateForm(s.RawSelector, len(s.Requirements), at)...)
		for i, requirement := range s.Requirements {
			errs = append(errs, metavalidation.ValidateLabelSelectorRequirement(requirement, metavalidation.LabelSelectorValidationOptions{AllowUnknownOperatorInRequirement: true}, at.Child("requirements").Index(i))...)
		}
	}
	return errs
}

func validateForm(raw string, requirements int, path *field.Path) field.ErrorList {
	switch {
	case raw != "" && requirements > 0:
		return field.ErrorList{field.Invalid(path.Child("rawSelector"), raw, "may not specified at the same time as requirements")}
	case raw == "" && requirements == 0:
		return field.ErrorList{field.Required(path.Child("requirements"), "when "+path.String()+" is specified, requirements or rawSelector is required")}
	}
	return nil
}

// ValidateUser wants to know of whom the question is.
func ValidateUser(user string, groups []string, spec *field.Path) field.ErrorList {
	if user == "" && len(groups) == 0 {
		return field.ErrorList{field.Invalid(spec.Child("user"), user, "at least one of user or group must be specified")}
	}
	return nil
}
