package volumeattributesclass

import (
	v1 "k8s.io/api/storage/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/storage/storageclass"
)

// Validate checks a new class.
func Validate(obj *v1.VolumeAttributesClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, storageclass.ValidateProvisioner(obj.DriverName, field.NewPath("driverName"))...)
	return append(errs, storageclass.ValidateParameters(obj.Parameters, false, field.NewPath("parameters"))...)
}

// ValidateUpdate checks a change: what a class means stays.
func ValidateUpdate(obj, old *v1.VolumeAttributesClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, Validate(obj)...)
	if obj.DriverName != old.DriverName {
		errs = append(errs, field.Forbidden(field.NewPath("driverName"), "updates to driverName are forbidden."))
	}
	if !check.Same(obj.Parameters, old.Parameters) {
		errs = append(errs, field.Forbidden(field.NewPath("parameters"), "updates to parameters are forbidden."))
	}
	return errs
}
