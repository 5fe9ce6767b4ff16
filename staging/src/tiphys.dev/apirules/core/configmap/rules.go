package configmap

import (
	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const frozen = "field is immutable when `immutable` is set"

// Validate checks a new config map: each key once, and no more than a MiB in all.
func Validate(obj *v1.ConfigMap) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	size := 0
	for key, value := range obj.Data {
		errs = append(errs, check.Messages(field.NewPath("data").Key(key), key, validation.IsConfigMapKey(key))...)
		if _, twice := obj.BinaryData[key]; twice {
			errs = append(errs, field.Invalid(field.NewPath("data").Key(key), key, "duplicate of key present in binaryData"))
		}
		size += len(value)
	}
	for key, value := range obj.BinaryData {
		errs = append(errs, check.Messages(field.NewPath("binaryData").Key(key), key, validation.IsConfigMapKey(key))...)
		size += len(value)
	}
	if size > v1.MaxSecretSize {
		// The limit is of the object, not of one field: upstream reports it with an empty path.
		errs = append(errs, field.TooLong(field.NewPath(""), "", v1.MaxSecretSize))
	}
	return errs
}

// ValidateUpdate checks a change. Once immutable, always immutable, and the data with it.
func ValidateUpdate(obj, old *v1.ConfigMap) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	if old.Immutable != nil && *old.Immutable {
		if obj.Immutable == nil || !*obj.Immutable {
			errs = append(errs, field.Forbidden(field.NewPath("immutable"), frozen))
		}
		if !check.Same(obj.Data, old.Data) {
			errs = append(errs, field.Forbidden(field.NewPath("data"), frozen))
		}
		if !check.Same(obj.BinaryData, old.BinaryData) {
			errs = append(errs, field.Forbidden(field.NewPath("binaryData"), frozen))
		}
	}
	return append(errs, Validate(obj)...)
}
