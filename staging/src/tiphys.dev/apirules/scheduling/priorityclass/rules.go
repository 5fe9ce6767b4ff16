package priorityclass

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	v1 "k8s.io/api/scheduling/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

const (
	systemPrefix   = "system-"
	highestForUser = int32(1000000000)
	critical       = 2 * highestForUser
)

// system are the classes every cluster has: these alone may be above what users may set.
var system = map[string]int32{"system-node-critical": critical + 1000, "system-cluster-critical": critical}

// SetDefaults lets pods of the class make room for themselves.
func SetDefaults(obj *v1.PriorityClass) {
	if obj.PreemptionPolicy == nil {
		p := corev1.PreemptLowerPriority
		obj.PreemptionPolicy = &p
	}
}

// Validate checks a new class.
func Validate(obj *v1.PriorityClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	if strings.HasPrefix(obj.Name, systemPrefix) {
		if ok, why := knownSystem(obj); !ok {
			errs = append(errs, field.Forbidden(field.NewPath("metadata", "name"), "priority class names with '"+systemPrefix+"' prefix are reserved for system use only. error: "+why))
		}
	} else if obj.Value > highestForUser {
		errs = append(errs, field.Forbidden(field.NewPath("value"), fmt.Sprintf("maximum allowed value of a user defined priority is %v", highestForUser)))
	}
	if obj.PreemptionPolicy != nil {
		errs = append(errs, check.RequiredOneOf(field.NewPath("preemptionPolicy"), *obj.PreemptionPolicy, corev1.PreemptLowerPriority, corev1.PreemptNever)...)
	}
	return errs
}

func knownSystem(obj *v1.PriorityClass) (bool, string) {
	value, known := system[obj.Name]
	switch {
	case !known:
		return false, fmt.Sprintf("%v is not a known system priority class", obj.Name)
	case value != obj.Value:
		return false, fmt.Sprintf("value of %v PriorityClass must be %v", obj.Name, value)
	case obj.GlobalDefault:
		return false, fmt.Sprintf("globalDefault of %v PriorityClass must be %v", obj.Name, false)
	}
	return true, ""
}

// ValidateUpdate checks a change: pods carry a copy of the value, so it stays.
func ValidateUpdate(obj, old *v1.PriorityClass) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	if obj.Value != old.Value {
		errs = append(errs, field.Forbidden(field.NewPath("value"), "may not be changed in an update."))
	}
	return append(errs, apivalidation.ValidateImmutableField(obj.PreemptionPolicy, old.PreemptionPolicy, field.NewPath("preemptionPolicy"))...)
}
