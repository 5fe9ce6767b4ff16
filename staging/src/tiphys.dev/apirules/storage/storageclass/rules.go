package storageclass

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	v1 "k8s.io/api/storage/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const (
	mostParameters    = 512
	longestParameters = 256 * 1024
)

// SetDefaults deletes volumes with their claims, and makes them at once.
func SetDefaults(obj *v1.StorageClass) {
	if obj.ReclaimPolicy == nil {
		policy := corev1.PersistentVolumeReclaimDelete
		obj.ReclaimPolicy = &policy
	}
	if obj.VolumeBindingMode == nil {
		mode := v1.VolumeBindingImmediate
		obj.VolumeBindingMode = &mode
	}
}

// Validate checks a new class.
func Validate(obj *v1.StorageClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, ValidateProvisioner(obj.Provisioner, field.NewPath("provisioner"))...)
	errs = append(errs, ValidateParameters(obj.Parameters, true, field.NewPath("parameters"))...)
	if obj.ReclaimPolicy != nil && *obj.ReclaimPolicy != "" {
		errs = append(errs, check.OneOf(field.NewPath("reclaimPolicy"), *obj.ReclaimPolicy, corev1.PersistentVolumeReclaimDelete, corev1.PersistentVolumeReclaimRetain)...)
	}
	if obj.VolumeBindingMode == nil {
		errs = append(errs, field.Required(field.NewPath("volumeBindingMode"), ""))
	} else {
		errs = append(errs, check.OneOf(field.NewPath("volumeBindingMode"), *obj.VolumeBindingMode, v1.VolumeBindingImmediate, v1.VolumeBindingWaitForFirstConsumer)...)
	}
	return append(errs, validateTopologies(obj.AllowedTopologies, field.NewPath("allowedTopologies"))...)
}

// ValidateProvisioner checks the name of what makes volumes.
func ValidateProvisioner(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, name)}
	}
	return check.Messages(path, name, validation.IsQualifiedName(strings.ToLower(name)))
}

// ValidateParameters checks what a driver is told: not too much of it.
func ValidateParameters(parameters map[string]string, mayBeEmpty bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if !mayBeEmpty && len(parameters) == 0 {
		return field.ErrorList{field.Required(path, "must contain at least one key/value pair")}
	}
	if len(parameters) > mostParameters {
		errs = append(errs, field.TooLong(path, "Provisioner Parameters exceeded max allowed", mostParameters))
		return errs
	}
	size := 0
	for k, v := range parameters {
		if k == "" {
			errs = append(errs, field.Invalid(path, k, "field can not be empty."))
		}
		size += len(k) + len(v)
	}
	if size > longestParameters {
		errs = append(errs, field.TooLong(path, "", longestParameters))
	}
	return errs
}

func validateTopologies(terms []corev1.TopologySelectorTerm, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, t := range terms {
		at := path.Index(i)
		keys := sets.New[string]()
		exprs := at.Child("matchLabelExpressions")
		for j, e := range t.MatchLabelExpressions {
			one := exprs.Index(j)
			if len(e.Values) == 0 {
				errs = append(errs, field.Required(one.Child("values"), ""))
			}
			seen := sets.New[string]()
			for k, v := range e.Values {
				if seen.Has(v) {
					errs = append(errs, field.Duplicate(one.Child("values").Index(k), v))
				}
				seen.Insert(v)
			}
			errs = append(errs, check.QualifiedName(one.Child("key"), e.Key)...)
			if keys.Has(e.Key) {
				errs = append(errs, field.Duplicate(one.Child("key"), e.Key))
			}
			keys.Insert(e.Key)
		}
		if len(t.MatchLabelExpressions) == 0 {
			errs = append(errs, field.Duplicate(exprs, "")) // the server takes it for a repetition
			continue
		}
		for j := range i {
			if check.Same(terms[j].MatchLabelExpressions, t.MatchLabelExpressions) {
				errs = append(errs, field.Duplicate(exprs, ""))
				break
			}
		}
	}
	return errs
}

// ValidateUpdate checks a change: volumes were made by the class as it was, so only expansion and topologies may change.
func ValidateUpdate(obj, old *v1.StorageClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, Validate(obj)...)
	errs = append(errs, check.Immutable(field.NewPath("parameters"), obj.Parameters, old.Parameters)...)
	errs = append(errs, check.Immutable(field.NewPath("provisioner"), obj.Provisioner, old.Provisioner)...)
	errs = append(errs, check.Immutable(field.NewPath("reclaimPolicy"), obj.ReclaimPolicy, old.ReclaimPolicy)...)
	return append(errs, check.Immutable(field.NewPath("volumeBindingMode"), obj.VolumeBindingMode, old.VolumeBindingMode)...)
}
