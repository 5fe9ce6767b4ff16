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
		errs = append(errs, devices.QualifiedName(name, path.Child("attributes"))...)
		errs = append(errs, validateAttribute(d.Attributes[name], path.Child("attributes").Key(string(name)))...)
	}
	for _, name := range sets.List(sets.KeySet(d.Capacity)) {
		capacity := d.Capacity[name]
		errs = append(errs, devices.QualifiedName(name, path.Child("capacity"))...)
		errs = append(errs, validateCapacity(&capacity, isTrue(d.AllowMultipleAllocations), path.Child("capacity").Key(string(name)))...)
	}
	taints := path.Child("taints")
	if long := devices.AtMost(len(d.Taints), v1.DeviceTaintsMaxLength, taints); long != nil {
		errs = append(errs, long...)
	} else {
		for i, t := range d.Taints {
			errs = append(errs, devices.Taint(t, taints.Index(i))...)
		}
	}
	errs = append(errs, validateConsumption(d.ConsumesCounters, path.Child("consumesCounters"))...)
	errs = append(errs, devices.BindingConditions(d.BindingConditions, d.BindingFailureConditions, path)...)
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

func validateConsumption(list []v1.DeviceCounterConsumption, path *field.Path) field.ErrorList {
	if errs := devices.AtMost(len(list), v1.ResourceSliceMaxDeviceCounterConsumptionsPerDevice, path); errs != nil {
		return errs
	}
	var errs field.ErrorList
	seen := sets.New[string]()
	for i, c := range list {
		at := path.Index(i)
		if c.CounterSet == "" {
			errs = append(errs, field.Required(at.Child("counterSet"), ""))
		} else {
			errs = append(errs, check.DNSLabel(at.Child("counterSet"), c.CounterSet)...)
		}
		if seen.Has(c.CounterSet) {
			errs = append(errs, field.Duplicate(at, c.CounterSet))
		}
		seen.Insert(c.CounterSet)
		errs = append(errs, validateCounters(c.Counters, v1.ResourceSliceMaxCountersPerDeviceCounterConsumption, at.Child("counters"))...)
	}
	return errs
}

// validateOwnReach checks which nodes one device is for, where each says so itself.
func validateOwnReach(d *v1.Device, own bool, path *field.Path) field.ErrorList {
	if !own {
		if d.NodeName != nil || d.NodeSelector != nil || d.AllNodes != nil {
			return field.ErrorList{field.Invalid(path, nil, "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the slice spec")}
		}
		return nil
	}
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
	case set == 0:
		errs = append(errs, field.Required(path, one))
	case set > 1:
		errs = append(errs, field.Invalid(path, "", one))
	}
	return errs
}
