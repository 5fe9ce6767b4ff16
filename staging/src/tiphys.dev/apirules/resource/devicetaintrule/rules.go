package devicetaintrule

import (
	resourcev1 "k8s.io/api/resource/v1"
	v1beta2 "k8s.io/api/resource/v1beta2"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/resource/devices"
)

// Validate checks a new rule.
func Validate(obj *v1beta2.DeviceTaintRule) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, nil)...)
}

// ValidateUpdate checks a changed rule.
func ValidateUpdate(obj, old *v1beta2.DeviceTaintRule) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, &old.Spec)...)
}

// ValidateStatusUpdate checks what a controller reports of evictions.
func ValidateStatusUpdate(obj, old *v1beta2.DeviceTaintRule) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	path := field.NewPath("status", "conditions")
	if long := devices.AtMost(len(obj.Status.Conditions), v1beta2.DeviceTaintRuleStatusMaxConditions, path); long != nil {
		return append(errs, long...)
	}
	return append(errs, metav1validation.ValidateConditions(obj.Status.Conditions, path)...)
}

func validateSpec(spec, old *v1beta2.DeviceTaintRuleSpec) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if s := spec.DeviceSelector; s != nil {
		errs = validateSelector(s, path.Child("deviceSelector"))
	}
	taint := path.Child("taint")
	for _, err := range devices.Taint(resourcev1.DeviceTaint{
		Key: spec.Taint.Key, Value: spec.Taint.Value, Effect: resourcev1.DeviceTaintEffect(spec.Taint.Effect), TimeAdded: spec.Taint.TimeAdded,
	}, taint) {
		// An effect that a later release knows stays as it is.
		if old != nil && old.Taint.Effect == spec.Taint.Effect && err.Field == taint.Child("effect").String() {
			continue
		}
		errs = append(errs, err)
	}
	return errs
}

func validateSelector(s *v1beta2.DeviceTaintSelector, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.Driver != nil {
		errs = append(errs, devices.DriverName(*s.Driver, path.Child("driver"))...)
	}
	if s.Pool != nil {
		errs = append(errs, devices.PoolName(*s.Pool, path.Child("pool"))...)
	}
	if s.Device != nil {
		errs = append(errs, devices.DeviceName(*s.Device, path.Child("device"))...)
	}
	return errs
}
