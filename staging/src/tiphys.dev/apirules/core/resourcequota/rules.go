package resourcequota

import (
	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/resources"
)

// SetDefaults rounds the amounts.
func SetDefaults(obj *v1.ResourceQuota) {
	resources.SetDefaults(obj.Spec.Hard)
	resources.SetDefaults(obj.Status.Hard)
	resources.SetDefaults(obj.Status.Used)
}

// Validate checks a new quota.
func Validate(obj *v1.ResourceQuota) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validateSpec(&obj.Spec, field.NewPath("spec"))...)
	return append(errs, validateStatus(&obj.Status, field.NewPath("status"))...)
}

// ValidateUpdate checks a change. What a quota counts (its scopes) never changes.
func ValidateUpdate(obj, old *v1.ResourceQuota) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateSpec(&obj.Spec, field.NewPath("spec"))...)
	if !sets.New(obj.Spec.Scopes...).Equal(sets.New(old.Spec.Scopes...)) {
		errs = append(errs, field.Invalid(field.NewPath("spec", "scopes"), obj.Spec.Scopes, apivalidation.FieldImmutableErrorMsg))
	}
	return errs
}

// ValidateStatusUpdate checks the counts.
func ValidateStatusUpdate(obj, old *v1.ResourceQuota) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	if len(obj.ResourceVersion) == 0 {
		errs = append(errs, field.Required(field.NewPath("resourceVersion"), ""))
	}
	return append(errs, validateStatus(&obj.Status, field.NewPath("status"))...)
}

func validateAmounts(list v1.ResourceList, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, name := range sets.List(sets.KeySet(list)) {
		at := path.Key(string(name))
		errs = append(errs, resources.ValidateQuotaName(name, at)...)
		errs = append(errs, resources.ValidateAmount(name, list[name], at)...)
	}
	return errs
}

func validateSpec(spec *v1.ResourceQuotaSpec, path *field.Path) field.ErrorList {
	errs := validateAmounts(spec.Hard, path.Child("hard"))
	errs = append(errs, validateScopes(spec, path)...)
	return append(errs, validateScopeSelector(spec, path)...)
}

func validateStatus(status *v1.ResourceQuotaStatus, path *field.Path) field.ErrorList {
	errs := validateAmounts(status.Hard, path.Child("hard"))
	return append(errs, validateAmounts(status.Used, path.Child("used"))...)
}
