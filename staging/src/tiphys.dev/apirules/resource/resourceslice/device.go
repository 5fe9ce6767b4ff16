package resourceslice

import (
	"fmt"
	"regexp"

	v1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/resource/devices"
)

// semver is the form of version attributes, semver.org's, without a leading "v".
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$`)

func validateDevice(d *v1.Device, own bool, path *field.Path) field.ErrorList {
	errs := devices.DeviceName(d.Name, path.Child("name"))
	if n := len(d.Attributes) + len(d.Capacity); n > v1.ResourceSliceMaxAttributesAndCapacitiesPerDevice {
		errs = append(errs, field.Invalid(path, n, fmt.Sprintf("the total number of attributes and capacities must not exceed %d", v1.ResourceSliceMaxAttributesAndCapacitiesPerDevice)))
	}
	for _, name := range sets.List(sets.KeySet(d.Attributes)) {
		at := path.Child("attributes").Key(string(name))
		errs = append(errs, devices.QualifiedName(name, at)...)
		errs = append(errs, validateAttribute(d.Attributes[name], at)...)
	}
	for _, name := range sets.List(sets.KeySet(d.Capacity)) {
		at := path.Child("capacity").Key(string(name))
		errs = append(errs, devices.QualifiedName(name, at)...)
		capacity := d.Capacity[name]
		errs = append(errs, validateCapacity(&capacity, isTrue(d.AllowMultipleAllocations), at)...)
	}
	taints := path.Child("taints")
	if n := len(d.Taints); n > v1.DeviceTaintsMaxLength {
		errs = append(errs, field.TooMany(taints, n, v1.DeviceTaintsMaxLength))
	}
	for i, t := range d.Taints {
		errs = append(errs, devices.Taint(t, taints.Index(i))...)
	}
	errs = append(errs, validateConsumption(d.ConsumesCounters, path.Child("consumesCounters"))...)
	errs = append(errs, validateBinding(d, path)...)
	return append(errs, validateOwnReach(d, own, path)...)
}

func validateAttribute(a v1.DeviceAttribute, path *field.Path) field.ErrorList {
	set := 0
	var errs field.ErrorList
	if a.IntValue != nil {
		set++
	}
	if a.BoolValue != nil {
		set++
	}
	if a.StringValue != nil {
		set++
		if n := len(*a.StringValue); n > v1.DeviceAttributeMaxValueLength {
			errs = append(errs, field.TooLong(path.Child("string"), *a.StringValue, v1.DeviceAttributeMaxValueLength))
		}
	}
	if a.VersionValue != nil {
		set++
		if n := len(*a.VersionValue); n > v1.DeviceAttributeMaxValueLength {
			errs = append(errs, field.TooLong(path.Child("version"), *a.VersionValue, v1.DeviceAttributeMaxValueLength))
		}
		if !semver.MatchString(*a.VersionValue) {
			errs = append(errs, field.Invalid(path.Child("version"), *a.VersionValue, "must be a string compatible with semver.org spec 2.0.0"))
		}
	}
	switch set {
	case 0:
		errs = append(errs, field.Invalid(path, "", "exactly one value must be specified"))
	case 1:
	default:
		errs = append(errs, field.Invalid(path, a, "exactly one value must be specified"))
	}
	return errs
}

func validateCapacity(c *v1.DeviceCapacity, shared bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	p := c.RequestPolicy
	if p == nil {
		return errs
	}
	at := path.Child("requestPolicy")
	if !shared {
		return append(errs, field.Forbidden(at, "allowed only when allowMultipleAllocations is true"))
	}
	if len(p.ValidValues) > 0 && p.ValidRange != nil {
		errs = append(errs, field.Forbidden(at, `exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time`))
	}
	if p.Default == nil && (len(p.ValidValues) > 0 || p.ValidRange != nil) {
		errs = append(errs, field.Required(at.Child("default"), "required when validValues or validRange is defined"))
	}
	return errs
}

func validateConsumption(list []v1.DeviceCounterConsumption, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if n := len(list); n > v1.ResourceSliceMaxDeviceCounterConsumptionsPerDevice {
		errs = append(errs, field.TooMany(path, n, v1.ResourceSliceMaxDeviceCounterConsumptionsPerDevice))
	}
	seen := sets.New[string]()
	for i, c := range list {
		at := path.Index(i)
		if c.CounterSet == "" {
			errs = append(errs, field.Required(at.Child("counterSet"), ""))
		} else {
			errs = append(errs, check.DNSLabel(at.Child("counterSet"), c.CounterSet)...)
		}
		if seen.Has(c.CounterSet) {
			errs = append(errs, field.Duplicate(at.Child("counterSet"), c.CounterSet))
		}
		seen.Insert(c.CounterSet)
		errs = append(errs, validateCounters(c.Counters, v1.ResourceSliceMaxCountersPerDeviceCounterConsumption, at.Child("counters"))...)
	}
	return errs
}

// validateBinding: conditions to wait for need such that end the waiting.
func validateBinding(d *v1.Device, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	binding, failure := path.Child("bindingConditions"), path.Child("bindingFailureConditions")
	if n := len(d.BindingConditions); n > v1.BindingConditionsMaxSize {
		errs = append(errs, field.TooMany(binding, n, v1.BindingConditionsMaxSize))
	}
	if n := len(d.BindingFailureConditions); n > v1.BindingFailureConditionsMaxSize {
		errs = append(errs, field.TooMany(failure, n, v1.BindingFailureConditionsMaxSize))
	}
	if len(d.BindingConditions) == 0 && len(d.BindingFailureConditions) > 0 {
		errs = append(errs, field.Invalid(binding, d.BindingConditions, "bindingConditions are required to use bindingFailureConditions"))
	}
	if len(d.BindingFailureConditions) == 0 && len(d.BindingConditions) > 0 {
		errs = append(errs, field.Invalid(failure, d.BindingFailureConditions, "bindingFailureConditions are required to use bindingConditions"))
	}
	seen := sets.New[string]()
	for i, c := range d.BindingConditions {
		errs = append(errs, check.QualifiedName(binding.Index(i), c)...)
		if seen.Has(c) {
			errs = append(errs, field.Duplicate(binding.Index(i), c))
		}
		seen.Insert(c)
	}
	for i, c := range d.BindingFailureConditions {
		errs = append(errs, check.QualifiedName(failure.Index(i), c)...)
		if seen.Has(c) {
			errs = append(errs, field.Duplicate(failure.Index(i), c))
		}
		seen.Insert(c)
	}
	return errs
}

// validateOwnReach checks which nodes one device is for, where each says so itself.
func validateOwnReach(d *v1.Device, own bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	set := 0
	if d.NodeName != nil {
		set++
		errs = append(errs, devices.ObjectName(*d.NodeName, path.Child("nodeName"))...)
	}
	if d.NodeSelector != nil {
		set++
		errs = append(errs, validateSelector(d.NodeSelector, path.Child("nodeSelector"))...)
	}
	if d.AllNodes != nil {
		if *d.AllNodes {
			set++
		} else {
			errs = append(errs, field.Invalid(path.Child("allNodes"), *d.AllNodes, "must be either unset or set to true"))
		}
	}
	const one = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the slice spec"
	switch {
	case own && set == 0:
		errs = append(errs, field.Required(path, one))
	case own && set > 1:
		errs = append(errs, field.Invalid(path, "", one))
	case !own && set > 0:
		errs = append(errs, field.Invalid(path, nil, "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the slice spec"))
	}
	return errs
}
