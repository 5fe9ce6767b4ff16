package runtimeclass

import (
	corev1 "k8s.io/api/core/v1"
	v1 "k8s.io/api/node/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"
	"tiphys.dev/apirules/core/resources"
)

// SetDefaults rounds the amounts.
func SetDefaults(obj *v1.RuntimeClass) {
	if obj.Overhead != nil {
		resources.SetDefaults(obj.Overhead.PodFixed)
	}
}

// Validate checks a new class.
func Validate(obj *v1.RuntimeClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	if obj.Handler == "" {
		errs = append(errs, field.Required(field.NewPath("handler"), ""))
	} else {
		errs = append(errs, check.Messages(field.NewPath("handler"), obj.Handler, apivalidation.NameIsDNSLabel(obj.Handler, false))...)
	}
	if obj.Overhead != nil {
		errs = append(errs, validateOverhead(obj.Overhead.PodFixed, field.NewPath("overhead"))...)
	}
	if obj.Scheduling != nil {
		errs = append(errs, validateScheduling(obj.Scheduling, field.NewPath("scheduling"))...)
	}
	return errs
}

func validateOverhead(list corev1.ResourceList, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, name := range sets.List(sets.KeySet(list)) {
		at := path.Child("limits").Key(string(name))
		errs = append(errs, resources.ValidateContainerName(name, at)...)
		errs = append(errs, resources.ValidateAmount(name, list[name], at)...)
	}
	return errs
}

func validateScheduling(s *v1.Scheduling, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	errs = append(errs, metavalidation.ValidateLabels(s.NodeSelector, path.Child("nodeSelector"))...)
	at := path.Child("tolerations")
	errs = append(errs, podspec.ValidateTolerations(s.Tolerations, at)...)
	for i := range s.Tolerations {
		for j := range i {
			if check.Same(s.Tolerations[i], s.Tolerations[j]) {
				errs = append(errs, field.Duplicate(at.Index(i), s.Tolerations[i]))
				break
			}
		}
	}
	return errs
}

// ValidateUpdate checks a change: which runtime a class means stays.
func ValidateUpdate(obj, old *v1.RuntimeClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, Validate(obj)...)
	return append(errs, apivalidation.ValidateImmutableField(obj.Handler, old.Handler, field.NewPath("handler"))...)
}

// Warnings tells of node labels with a newer name.
func Warnings(obj *v1.RuntimeClass) []string {
	if obj.Scheduling == nil {
		return nil
	}
	spec := &corev1.PodSpec{NodeSelector: obj.Scheduling.NodeSelector}
	return podspec.Warnings(spec, nil, field.NewPath("scheduling"), field.NewPath("metadata"))
}

// UpdateWarnings are those of the new object.
func UpdateWarnings(obj, _ *v1.RuntimeClass) []string { return Warnings(obj) }
