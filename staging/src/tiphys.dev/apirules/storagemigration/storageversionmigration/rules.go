package storageversionmigration

import (
	"regexp"

	v1beta1 "k8s.io/api/storagemigration/v1beta1"
	"k8s.io/apimachinery/pkg/api/meta"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// wellFormed is a version that servers give.
var wellFormed = regexp.MustCompile(`^[1-9][0-9]*$`)

// Validate checks a new migration.
func Validate(obj *v1beta1.StorageVersionMigration) field.ErrorList {
	return append(apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata")), validateSpec(obj)...)
}

func validateSpec(obj *v1beta1.StorageVersionMigration) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("spec", "resource")
	if obj.Spec.Resource.Resource == "" {
		errs = append(errs, field.Required(path.Child("resource"), "resource is required to be set"))
	} else {
		errs = append(errs, check.Messages(path.Child("resource"), obj.Spec.Resource.Resource, validation.IsDNS1035Label(obj.Spec.Resource.Resource))...)
	}
	if obj.Spec.Resource.Group != "" {
		errs = append(errs, check.DNSSubdomain(path.Child("group"), obj.Spec.Resource.Group)...)
	}
	return errs
}

// ValidateUpdate checks a change: a migration is of one resource always.
func ValidateUpdate(obj, old *v1beta1.StorageVersionMigration) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateSpec(obj)...)
	return append(errs, apivalidation.ValidateImmutableField(obj.Spec, old.Spec, field.NewPath("spec"))...)
}

// ValidateStatusUpdate checks what a controller reports: what has ended has ended in one way.
func ValidateStatusUpdate(obj, old *v1beta1.StorageVersionMigration) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	path := field.NewPath("status")
	version := path.Child("resourceVersion")
	if v := obj.Status.ResourceVersion; v != "" && !wellFormed.MatchString(v) {
		errs = append(errs, field.Invalid(version, v, "resource version is not well formed: "+v))
	}
	if old.Status.ResourceVersion != "" {
		errs = append(errs, apivalidation.ValidateImmutableField(obj.Status.ResourceVersion, old.Status.ResourceVersion, version)...)
	}
	conditions := path.Child("conditions")
	errs = append(errs, metav1validation.ValidateConditions(obj.Status.Conditions, conditions)...)
	is := func(o *v1beta1.StorageVersionMigration, t v1beta1.MigrationConditionType) bool {
		return meta.IsStatusConditionTrue(o.Status.Conditions, string(t))
	}
	if is(obj, v1beta1.MigrationSucceeded) && is(obj, v1beta1.MigrationFailed) {
		errs = append(errs, field.Invalid(conditions, obj.Status.Conditions, "Both success and failed conditions cannot be true at the same time"))
	}
	if is(old, v1beta1.MigrationSucceeded) && !is(obj, v1beta1.MigrationSucceeded) {
		errs = append(errs, field.Invalid(conditions, obj.Status.Conditions, "Success condition cannot be set to false once it is true"))
	}
	if is(old, v1beta1.MigrationFailed) && !is(obj, v1beta1.MigrationFailed) {
		errs = append(errs, field.Invalid(conditions, obj.Status.Conditions, "Failed condition cannot be set to false once it is true"))
	}
	return errs
}
