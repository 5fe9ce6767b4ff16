package resourceclaim

import (
	"fmt"
	"regexp"
	"strings"

	v1 "k8s.io/api/resource/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/nodeselector"
	"tiphys.dev/apirules/resource/devices"
)

// ValidateStatusUpdate checks who got which devices. An allocation is made whole and freed whole, and only while nobody uses it.
func ValidateStatusUpdate(obj, old *v1.ResourceClaim) field.ErrorList {
	path := field.NewPath("status")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	known := namesOf(obj.Spec.Devices.Requests)
	errs = append(errs, validateReserved(obj, old, path.Child("reservedFor"))...)
	errs = append(errs, validateDeviceStatuses(obj, path.Child("devices"))...)
	if obj.Status.Allocation != nil {
		errs = append(errs, validateAllocation(obj.Status.Allocation, old.Status.Allocation != nil, known, path.Child("allocation"))...)
	}
	if old.Status.Allocation != nil && obj.Status.Allocation != nil {
		errs = append(errs, apivalidation.ValidateImmutableField(obj.Status.Allocation, old.Status.Allocation, path.Child("allocation"))...)
	}
	return errs
}

func validateReserved(obj, old *v1.ResourceClaim, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	now, was := obj.Status.ReservedFor, old.Status.ReservedFor
	entries := now
	if long := devices.AtMost(len(now), v1.ResourceClaimReservedForMaxSize, path); long != nil {
		errs, entries = append(errs, long...), nil
	}
	seen := sets.New[types.UID]()
	for i, r := range entries {
		at := path.Index(i)
		if r.Resource == "" {
			errs = append(errs, field.Required(at.Child("resource"), ""))
		}
		if r.Name == "" {
			errs = append(errs, field.Required(at.Child("name"), ""))
		}
		if r.UID == "" {
			errs = append(errs, field.Required(at.Child("uid"), ""))
		} else if seen.Has(r.UID) {
			errs = append(errs, field.Duplicate(at, r.UID))
		}
		seen.Insert(r.UID)
	}
	if len(now) > 0 && obj.Status.Allocation == nil {
		errs = append(errs, field.Forbidden(path, "may not be specified when `allocated` is not set"))
	}
	if obj.DeletionTimestamp != nil && len(now) > 0 {
		before := sets.New(was...)
		for i, r := range now {
			if !before.Has(r) {
				errs = append(errs, field.Forbidden(path.Index(i), "new entries may not be added while `deletionTimestamp` is set"))
			}
		}
	}
	return errs
}

func validateAllocation(a *v1.AllocationResult, stored bool, known names, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	results := path.Child("devices", "results")
	entries := a.Devices.Results
	if long := devices.AtMost(len(entries), v1.AllocationResultsMaxSize, results); long != nil {
		errs, entries = append(errs, long...), nil
	}
	for i, r := range entries {
		at := results.Index(i)
		if !known.requests.Has(r.Request) && !known.full.Has(r.Request) {
			errs = append(errs, field.Invalid(at.Child("request"), r.Request, "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"))
		}
		errs = append(errs, devices.DriverName(r.Driver, at.Child("driver"))...)
		errs = append(errs, devices.PoolName(r.Pool, at.Child("pool"))...)
		errs = append(errs, devices.DeviceName(r.Device, at.Child("device"))...)
		if r.ShareID != nil {
			errs = append(errs, validateShareID(string(*r.ShareID), at.Child("shareID"))...)
		}
		errs = append(errs, devices.BindingConditions(r.BindingConditions, r.BindingFailureConditions, at)...)
	}
	config := path.Child("devices", "config")
	configs := a.Devices.Config
	if long := devices.AtMost(len(configs), 2*v1.DeviceConfigMaxSize, config); long != nil {
		errs, configs = append(errs, long...), nil
	}
	for i := range configs {
		c, at := &configs[i], config.Index(i)
		errs = append(errs, check.RequiredOneOf(at.Child("source"), c.Source, v1.AllocationConfigSourceClaim, v1.AllocationConfigSourceClass)...)
		errs = append(errs, validateNames(c.Requests, known, at.Child("requests"))...)
		errs = append(errs, devices.Configuration(&c.DeviceConfiguration, stored, at)...)
	}
	if a.NodeSelector != nil {
		errs = append(errs, nodeselector.Validate(a.NodeSelector, nodeselector.Options{}, path.Child("nodeSelector"))...)
	}
	return errs
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// validateShareID wants the UUID that the scheduler made for one share of a device.
func validateShareID(id string, path *field.Path) field.ErrorList {
	switch {
	case len(id) != 36:
		return field.ErrorList{field.Invalid(path, id, fmt.Sprintf("error validating uid: invalid UUID length: %d", len(id)))}
	case !uuid.MatchString(id):
		return field.ErrorList{field.Invalid(path, id, "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters")}
	}
	return nil
}

func validateDeviceStatuses(obj *v1.ResourceClaim, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	type key struct{ driver, pool, device, share string }
	allocated, seen := sets.New[key](), sets.New[key]()
	if a := obj.Status.Allocation; a != nil {
		for _, r := range a.Devices.Results {
			k := key{r.Driver, r.Pool, r.Device, ""}
			if r.ShareID != nil {
				k.share = string(*r.ShareID)
			}
			allocated.Insert(k)
		}
	}
	for i := range obj.Status.Devices {
		d, at := &obj.Status.Devices[i], path.Index(i)
		errs = append(errs, devices.DriverName(d.Driver, at.Child("driver"))...)
		errs = append(errs, devices.PoolName(d.Pool, at.Child("pool"))...)
		errs = append(errs, devices.DeviceName(d.Device, at.Child("device"))...)
		k := key{d.Driver, d.Pool, d.Device, ""}
		if d.ShareID != nil {
			errs = append(errs, validateShareID(*d.ShareID, at.Child("shareID"))...)
			k.share = *d.ShareID
		}
		text := strings.Join([]string{d.Driver, d.Pool, d.Device}, "/")
		if seen.Has(k) {
			errs = append(errs, field.Duplicate(at, text))
		}
		seen.Insert(k)
		if !allocated.Has(k) {
			errs = append(errs, field.Invalid(at, text, "must be an allocated device in the claim"))
		}
		if n := len(d.Conditions); n > v1.AllocatedDeviceStatusMaxConditions {
			errs = append(errs, field.TooMany(at.Child("conditions"), n, v1.AllocatedDeviceStatusMaxConditions))
		}
		errs = append(errs, metavalidation.ValidateConditions(d.Conditions, at.Child("conditions"))...)
		if d.Data != nil && len(d.Data.Raw) > 0 {
			errs = append(errs, devices.RawExtension(*d.Data, false, v1.AllocatedDeviceStatusDataMaxLength, at.Child("data"))...)
		}
		if d.NetworkData != nil {
			errs = append(errs, validateNetwork(d.NetworkData, at.Child("networkData"))...)
		}
	}
	return errs
}

func validateNetwork(n *v1.NetworkDeviceData, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(n.InterfaceName) > v1.NetworkDeviceDataInterfaceNameMaxLength {
		errs = append(errs, field.TooLong(path.Child("interfaceName"), n.InterfaceName, v1.NetworkDeviceDataInterfaceNameMaxLength))
	}
	if len(n.HardwareAddress) > v1.NetworkDeviceDataHardwareAddressMaxLength {
		errs = append(errs, field.TooLong(path.Child("hardwareAddress"), n.HardwareAddress, v1.NetworkDeviceDataHardwareAddressMaxLength))
	}
	if long := devices.AtMost(len(n.IPs), v1.NetworkDeviceDataMaxIPs, path.Child("ips")); long != nil {
		return append(errs, long...)
	}
	seen := sets.New[string]()
	for i, ip := range n.IPs {
		errs = append(errs, validation.IsValidInterfaceAddress(path.Child("ips").Index(i), ip)...)
		if seen.Has(ip) {
			errs = append(errs, field.Duplicate(path.Child("ips").Index(i), ip))
		}
		seen.Insert(ip)
	}
	return errs
}
