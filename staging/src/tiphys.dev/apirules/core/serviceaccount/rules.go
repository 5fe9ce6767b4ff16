package serviceaccount

import (
	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const enforceMountableSecrets = "kubernetes.io/enforce-mountable-secrets"

// Validate checks a new service account.
func Validate(obj *v1.ServiceAccount) field.ErrorList {
	return apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.ValidateServiceAccountName, field.NewPath("metadata"))
}

// ValidateUpdate checks a change.
func ValidateUpdate(obj, old *v1.ServiceAccount) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, Validate(obj)...)
}

// Warnings tells of the annotation that is on its way out.
func Warnings(obj *v1.ServiceAccount) []string {
	if _, set := obj.Annotations[enforceMountableSecrets]; set {
		return []string{"metadata.annotations[" + enforceMountableSecrets + "]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"}
	}
	return nil
}

// UpdateWarnings tells the same when an update brings the annotation.
func UpdateWarnings(obj, old *v1.ServiceAccount) []string {
	if _, had := old.Annotations[enforceMountableSecrets]; had {
		return nil
	}
	return Warnings(obj)
}
