package podtemplate

import (
	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/podspec"
)

// SetDefaults fills in what the template leaves open.
func SetDefaults(obj *v1.PodTemplate) { podspec.SetTemplateDefaults(&obj.Template) }

// Validate checks a new template.
func Validate(obj *v1.PodTemplate) field.ErrorList { return validate(obj, podspec.Options{}) }

// ValidateUpdate checks a change; what was wrong already may stay.
func ValidateUpdate(obj, old *v1.PodTemplate) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validate(obj, podspec.ForUpdate(&old.Template.Spec, false))...)
}

func validate(obj *v1.PodTemplate, opts podspec.Options) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, podspec.ValidateTemplate(&obj.Template, field.NewPath("template"), opts)...)
}
