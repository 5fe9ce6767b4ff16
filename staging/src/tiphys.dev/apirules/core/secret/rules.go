package secret

import (
	"encoding/json"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const frozen = "field is immutable when `immutable` is set"

// SetDefaults gives a secret without type the type that promises nothing, and folds stringData into data: stringData is
// for writing only and is never stored or shown.
func SetDefaults(obj *v1.Secret) {
	if len(obj.StringData) > 0 {
		if obj.Data == nil {
			obj.Data = make(map[string][]byte, len(obj.StringData))
		}
		for key, value := range obj.StringData {
			obj.Data[key] = []byte(value)
		}
	}
	obj.StringData = nil
	if obj.Type == "" {
		obj.Type = v1.SecretTypeOpaque
	}
}

// Validate checks a new secret, and what its type promises to hold.
func Validate(obj *v1.Secret) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	data := field.NewPath("data")
	size := 0
	for key, value := range obj.Data {
		errs = append(errs, check.Messages(data.Key(key), key, validation.IsConfigMapKey(key))...)
		size += len(value)
	}
	if size > v1.MaxSecretSize {
		errs = append(errs, field.TooLong(data, "", v1.MaxSecretSize))
	}
	return append(errs, validateContents(obj, data)...)
}

func validateContents(obj *v1.Secret, data *field.Path) field.ErrorList {
	var errs field.ErrorList
	need := func(keys ...string) {
		for _, key := range keys {
			if _, ok := obj.Data[key]; !ok {
				errs = append(errs, field.Required(data.Key(key), ""))
			}
		}
	}
	needJSON := func(key string) {
		content, ok := obj.Data[key]
		if !ok {
			errs = append(errs, field.Required(data.Key(key), ""))
			return
		}
		if err := json.Unmarshal(content, new(map[string]any)); err != nil {
			errs = append(errs, field.Invalid(data.Key(key), "<secret contents redacted>", err.Error()))
		}
	}
	switch obj.Type {
	case v1.SecretTypeServiceAccountToken:
		if obj.Annotations[v1.ServiceAccountNameKey] == "" {
			errs = append(errs, field.Required(field.NewPath("metadata", "annotations").Key(v1.ServiceAccountNameKey), ""))
		}
	case v1.SecretTypeDockercfg:
		needJSON(v1.DockerConfigKey)
	case v1.SecretTypeDockerConfigJson:
		needJSON(v1.DockerConfigJsonKey)
	case v1.SecretTypeBasicAuth:
		// One of the two is enough: a token may serve as password without user.
		_, user := obj.Data[v1.BasicAuthUsernameKey]
		_, password := obj.Data[v1.BasicAuthPasswordKey]
		if !user && !password {
			need(v1.BasicAuthUsernameKey, v1.BasicAuthPasswordKey)
		}
	case v1.SecretTypeSSHAuth:
		need(v1.SSHAuthPrivateKey)
	case v1.SecretTypeTLS:
		need(v1.TLSCertKey, v1.TLSPrivateKeyKey)
	}
	return errs
}

// ValidateUpdate checks a change. The type never changes; an immutable secret keeps its data.
func ValidateUpdate(obj, old *v1.Secret) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, apivalidation.ValidateImmutableField(obj.Type, old.Type, field.NewPath("type"))...)
	if old.Immutable != nil && *old.Immutable {
		if obj.Immutable == nil || !*obj.Immutable {
			errs = append(errs, field.Forbidden(field.NewPath("immutable"), frozen))
		}
		if !check.Same(obj.Data, old.Data) {
			errs = append(errs, field.Forbidden(field.NewPath("data"), frozen))
		}
	}
	return append(errs, Validate(obj)...)
}

// PrepareForUpdate gives an update without type the type the secret has.
func PrepareForUpdate(obj, old *v1.Secret) {
	if obj.Type == "" {
		obj.Type = old.Type
	}
}
