package resourceslice

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	v1 "k8s.io/api/resource/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/nodeselector"
	"tiphys.dev/apirules/resource/devices"
)

// Validate checks a new slice of a driver's pool of devices.
func Validate(obj *v1.ResourceSlice) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, nil)...)
}

// ValidateUpdate checks a change: whose devices these are, and of which node, stays.
func ValidateUpdate(obj, old *v1.ResourceSlice) field.ErrorList {
	path := field.NewPath("spec")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateSpec(&obj.Spec, &old.Spec)...)
	errs = append(errs, apivalidation.ValidateImmutableField(obj.Spec.Pool.Name, old.Spec.Pool.Name, path.Child("pool", "name"))...)
	errs = append(errs, apivalidation.ValidateImmutableField(obj.Spec.Driver, old.Spec.Driver, path.Child("driver"))...)
	return append(errs, apivalidation.ValidateImmutableField(obj.Spec.NodeName, old.Spec.NodeName, path.Child("nodeName"))...)
}

func isTrue(b *bool) bool { return b != nil && *b }

func validateSpec(spec, _ *v1.ResourceSliceSpec) field.ErrorList {
	path := field.NewPath("spec")
	errs := devices.DriverName(spec.Driver, path.Child("driver"))
	pool := path.Child("pool")
	errs = append(errs, devices.PoolName(spec.Pool.Name, pool.Child("name"))...)
	if spec.Pool.ResourceSliceCount <= 0 {
		errs = append(errs, field.Invalid(pool.Child("resourceSliceCount"), spec.Pool.ResourceSliceCount, check.GreaterThanZero))
	}
	if spec.Pool.Generation < 0 {
		errs = append(errs, field.Invalid(pool.Child("generation"), spec.Pool.Generation, check.NotNegative))
	}
	errs = append(errs, validateReach(spec, path)...)
	at := path.Child("devices")
	advanced := false
	for _, d := range spec.Devices {
		advanced = advanced || len(d.Taints) > 0 || len(d.ConsumesCounters) > 0
	}
	most := v1.ResourceSliceMaxDevices
	if advanced {
		most = v1.ResourceSliceMaxDevicesWithAdvancedFeatures
	}
	if len(spec.SharedCounters) > 0 && len(spec.Devices) > 0 {
		errs = append(errs, field.Invalid(path, "", "only one of `sharedCounters` or `devices` is allowed"))
	}
	if long := devices.AtMost(len(spec.Devices), most, at); long != nil {
		return append(append(errs, long...), validateCounterSets(spec.SharedCounters, path.Child("sharedCounters"))...)
	}
	names := sets.New[string]()
	for i := range spec.Devices {
		d := &spec.Devices[i]
		if names.Has(d.Name) {
			errs = append(errs, field.Duplicate(at.Index(i), d.Name))
		}
		names.Insert(d.Name)
		errs = append(errs, validateDevice(d, isTrue(spec.PerDeviceNodeSelection), at.Index(i))...)
	}
	return append(errs, validateCounterSets(spec.SharedCounters, path.Child("sharedCounters"))...)
}

// validateReach: devices are of one node, of some, of all, or each says for itself.
func validateReach(spec *v1.ResourceSliceSpec, path *field.Path) field.ErrorList {
	const fields = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
	var errs field.ErrorList
	var set []string
	if spec.NodeName != nil {
		if *spec.NodeName == "" {
			errs = append(errs, field.Invalid(path.Child("nodeName"), *spec.NodeName, "must be either unset or set to a non-empty string"))
		} else {
			set = append(set, "`nodeName`")
			errs = append(errs, devices.ObjectName(*spec.NodeName, path.Child("nodeName"))...)
		}
	}
	if spec.NodeSelector != nil {
		set = append(set, "`nodeSelector`")
		errs = append(errs, validateSelector(spec.NodeSelector, path.Child("nodeSelector"))...)
	}
	flag := func(child string, b *bool) {
		if b == nil {
			return
		}
		if *b {
			set = append(set, "`"+child+"`")
		} else {
			errs = append(errs, field.Invalid(path.Child(child), *b, "must be either unset or set to true"))
		}
	}
	flag("allNodes", spec.AllNodes)
	flag("perDeviceNodeSelection", spec.PerDeviceNodeSelection)
	switch len(set) {
	case 0:
		errs = append(errs, field.Required(path, fields))
	case 1:
	default:
		errs = append(errs, field.Invalid(path, fmt.Sprintf("{%s}", join(set)), fields+", but multiple fields are set"))
	}
	return errs
}

func join(words []string) string {
	out := ""
	for i, w := range words {
		if i > 0 {
			out += ", "
		}
		out += w
	}
	return out
}

// validateSelector wants a selector of exactly one term, so that it can be joined with others.
func validateSelector(s *corev1.NodeSelector, path *field.Path) field.ErrorList {
	errs := nodeselector.Validate(s, nodeselector.Options{}, path)
	if n := len(s.NodeSelectorTerms); n > 1 {
		errs = append(errs, field.Invalid(path.Child("nodeSelectorTerms"), s.NodeSelectorTerms, "must have exactly one node selector term"))
	}
	return errs
}

func validateCounterSets(list []v1.CounterSet, path *field.Path) field.ErrorList {
	if errs := devices.AtMost(len(list), v1.ResourceSliceMaxCounterSets, path); errs != nil {
		return errs
	}
	var errs field.ErrorList
	names := sets.New[string]()
	for i, s := range list {
		at := path.Index(i)
		if s.Name == "" {
			errs = append(errs, field.Required(at.Child("name"), ""))
		} else {
			errs = append(errs, check.DNSLabel(at.Child("name"), s.Name)...)
		}
		if names.Has(s.Name) {
			errs = append(errs, field.Duplicate(at, s.Name))
		}
		names.Insert(s.Name)
		errs = append(errs, validateCounters(s.Counters, v1.ResourceSliceMaxCountersPerCounterSet, at.Child("counters"))...)
	}
	return errs
}

func validateCounters(counters map[string]v1.Counter, most int, path *field.Path) field.ErrorList {
	if len(counters) == 0 {
		return field.ErrorList{field.Required(path, "")}
	}
	if errs := devices.AtMost(len(counters), most, path); errs != nil {
		return errs
	}
	var errs field.ErrorList
	for _, name := range sets.List(sets.KeySet(counters)) {
		errs = append(errs, check.DNSLabel(path, name)...)
	}
	return errs
}
