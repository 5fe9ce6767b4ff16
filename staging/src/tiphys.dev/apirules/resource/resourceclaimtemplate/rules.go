package resourceclaimtemplate

import (
	v1 "k8s.io/api/resource/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/resource/resourceclaim"
)

// SetDefaults completes the claim that the template makes.
func SetDefaults(obj *v1.ResourceClaimTemplate) { resourceclaim.SetSpecDefaults(&obj.Spec.Spec) }

// Validate checks a new template.
func Validate(obj *v1.ResourceClaimTemplate) field.ErrorList { return validate(obj, nil) }

func validate(obj *v1.ResourceClaimTemplate, old *v1.ResourceClaimSpec) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	path := field.NewPath("spec")
	errs = append(errs, check.TemplateMeta(&obj.Spec.ObjectMeta, path.Child("metadata"))...)
	return append(errs, resourceclaim.ValidateSpec(&obj.Spec.Spec, old, path.Child("spec"))...)
}

// ValidateUpdate checks a change: a template makes the same claim always.
func ValidateUpdate(obj, old *v1.ResourceClaimTemplate) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validate(obj, &old.Spec.Spec)...)
	return append(errs, apivalidation.ValidateImmutableField(obj.Spec, old.Spec, field.NewPath("spec"))...)
}
