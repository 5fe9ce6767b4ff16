package deviceclass

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	v1 "k8s.io/api/resource/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/resources"
	"tiphys.dev/apirules/resource/devices"
)

// Validate checks a new class.
func Validate(obj *v1.DeviceClass) field.ErrorList { return validate(obj, nil) }

// ValidateUpdate checks a change; expressions that stay are compiled as stored ones.
func ValidateUpdate(obj, old *v1.DeviceClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validate(obj, old)...)
}

func validate(obj, old *v1.DeviceClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, check.WholeName, field.NewPath("metadata"))
	path := field.NewPath("spec")
	stored := sets.New[string]()
	if old != nil {
		for _, s := range old.Spec.Selectors {
			if s.CEL != nil {
				stored.Insert(s.CEL.Expression)
			}
		}
	}
	errs = append(errs, devices.Selectors(obj.Spec.Selectors, stored, path.Child("selectors"))...)
	config := path.Child("config")
	if n := len(obj.Spec.Config); n > v1.DeviceConfigMaxSize {
		errs = append(errs, field.TooMany(config, n, v1.DeviceConfigMaxSize))
	}
	for i := range obj.Spec.Config {
		was := old != nil && i < len(old.Spec.Config)
		errs = append(errs, devices.Configuration(&obj.Spec.Config[i].DeviceConfiguration, was, config.Index(i))...)
	}
	if n := obj.Spec.ExtendedResourceName; n != nil {
		at := path.Child("extendedResourceName")
		if strings.HasPrefix(*n, "deviceclass.resource.kubernetes.io/") || !resources.IsExtended(corev1.ResourceName(*n)) {
			errs = append(errs, field.Invalid(at, *n, "must be a valid extended resource name"))
		}
	}
	return errs
}
