package resourceslice

import (
	"fmt"

	v1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/resource/devices"
)

// validateCapacity checks how a device that several claims share may be divided.
func validateCapacity(c *v1.DeviceCapacity, shared bool, path *field.Path) field.ErrorList {
	p := c.RequestPolicy
	if p == nil {
		return nil
	}
	at := path.Child("requestPolicy")
	if !shared {
		return field.ErrorList{field.Forbidden(at, "allowMultipleAllocations must be true")}
	}
	switch {
	case len(p.ValidValues) > 0 && p.ValidRange != nil:
		return field.ErrorList{field.Forbidden(at, `exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time`)}
	case len(p.ValidValues) > 0:
		if p.Default == nil {
			return field.ErrorList{field.Required(at.Child("default"), "required when validValues is defined")}
		}
		return validateValues(p.ValidValues, *p.Default, c.Value, at.Child("validValues"))
	case p.ValidRange != nil:
		if p.Default == nil {
			return field.ErrorList{field.Required(at.Child("default"), "required when validRange is defined")}
		}
		return validateRange(p.ValidRange, *p.Default, c.Value, at.Child("validRange"))
	}
	return nil
}

// mostValues bounds the amounts to choose from.
const mostValues = 10

// validateValues: the amounts to choose from come in rising order, none is more than there is, and the default is one of them.
func validateValues(list []resource.Quantity, standard, capacity resource.Quantity, path *field.Path) field.ErrorList {
	errs := devices.AtMost(len(list), mostValues, path)
	if errs != nil {
		list = nil
	}
	found := false
	seen := sets.New[string]()
	for i, v := range list {
		at := path.Index(i)
		if i > 0 && v.Cmp(list[i-1]) < 0 {
			errs = append(errs, field.Invalid(at, v.String(), "values must be sorted in ascending order"))
		}
		if v.Cmp(capacity) > 0 {
			errs = append(errs, field.Invalid(at, v.String(), fmt.Sprintf("option is larger than capacity value: %s", capacity.String())))
		}
		if seen.Has(v.String()) {
			errs = append(errs, field.Duplicate(at, v.String()))
		}
		seen.Insert(v.String())
		found = found || v.Cmp(standard) == 0
	}
	if !found {
		errs = append(errs, field.Invalid(path, standard.String(), "default value is not valid according to the requestPolicy"))
	}
	return errs
}

// validateRange: what is asked for lies between two bounds and, with a step, a whole number of steps above the lower one.
func validateRange(r *v1.CapacityRequestPolicyRange, standard, capacity resource.Quantity, path *field.Path) field.ErrorList {
	if r.Min == nil {
		return field.ErrorList{field.Required(path.Child("min"), "required when validRange is defined")}
	}
	var errs field.ErrorList
	low, high, step := path.Child("min"), path.Child("max"), path.Child("step")
	refuse := func(at *field.Path, q resource.Quantity, format string, than resource.Quantity) {
		errs = append(errs, field.Invalid(at, q.String(), fmt.Sprintf(format, than.String())))
	}
	if r.Min.Cmp(capacity) > 0 {
		refuse(low, *r.Min, "min is larger than capacity value: %s", capacity)
	}
	if standard.Cmp(*r.Min) < 0 {
		refuse(low, standard, "default is less than min: %s", *r.Min)
	}
	if r.Max != nil {
		if r.Min.Cmp(*r.Max) > 0 {
			refuse(high, *r.Min, "min is larger than max: %s", *r.Max)
		}
		if r.Max.Cmp(capacity) > 0 {
			refuse(high, *r.Max, "max is larger than capacity value: %s", capacity)
		}
		if standard.Cmp(*r.Max) > 0 {
			refuse(high, standard, "default is more than max: %s", *r.Max)
		}
	}
	if r.Step == nil {
		return errs
	}
	if r.Step.Sign() <= 0 {
		// Upstream's server breaks the connection on a step of zero.
		return append(errs, field.Invalid(step, r.Step.String(), "must be greater than zero"))
	}
	next := r.Min.DeepCopy()
	next.Add(*r.Step)
	if next.Cmp(capacity) > 0 {
		errs = append(errs, field.Invalid(step, r.Step.String(), fmt.Sprintf("one step %s is larger than capacity value: %s", next.String(), capacity.String())))
	}
	between := func(q resource.Quantity) {
		if (q.Value()-r.Min.Value())%r.Step.Value() != 0 {
			errs = append(errs, field.Invalid(step, q.String(), fmt.Sprintf("value is not a multiple of a given step (%s) from (%s)", r.Step.String(), r.Min.String())))
		}
	}
	if r.Max != nil {
		between(*r.Max)
	}
	between(standard)
	return errs
}
