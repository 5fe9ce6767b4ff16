package csinode

import (
	v1 "k8s.io/api/storage/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/volumesource"
)

const longestNodeID = 256

// Validate checks what a node says of its drivers.
func Validate(obj *v1.CSINode) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateDrivers(obj.Spec.Drivers, nil)...)
}

// ValidateUpdate checks a change: drivers come and go, but what is known of one stays, except how many volumes it takes.
func ValidateUpdate(obj, old *v1.CSINode) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateDrivers(obj.Spec.Drivers, old.Spec.Drivers)...)
	path := field.NewPath("spec", "drivers")
	for _, was := range old.Spec.Drivers {
		for _, now := range obj.Spec.Drivers {
			if now.Name != was.Name {
				continue
			}
			now, was := now.DeepCopy(), was.DeepCopy()
			now.Allocatable, was.Allocatable = nil, nil
			if !check.Same(now, was) {
				errs = append(errs, field.Invalid(path, now, apivalidation.FieldImmutableErrorMsg))
			}
		}
	}
	return errs
}

func validateDrivers(drivers, old []v1.CSINodeDriver) field.ErrorList {
	var errs field.ErrorList
	known, names := sets.New[string](), sets.New[string]()
	for _, d := range old {
		known.Insert(d.NodeID)
	}
	for i, d := range drivers {
		at := field.NewPath("spec", "drivers").Index(i)
		errs = append(errs, volumesource.DriverName(d.Name, at.Child("name"))...)
		if d.NodeID == "" {
			errs = append(errs, field.Required(at.Child("nodeID"), d.NodeID))
		} else if len(d.NodeID) > longestNodeID && !known.Has(d.NodeID) {
			errs = append(errs, field.Invalid(at.Child("nodeID"), d.NodeID, "must be 256 characters or less"))
		}
		if d.Allocatable != nil && d.Allocatable.Count != nil {
			errs = append(errs, check.NonNegative(at.Child("allocatable", "count"), *d.Allocatable.Count)...)
		}
		if names.Has(d.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), d.Name))
		}
		names.Insert(d.Name)
		keys := sets.New[string]()
		for _, key := range d.TopologyKeys {
			if key == "" {
				errs = append(errs, field.Required(at, key))
			}
			if keys.Has(key) {
				errs = append(errs, field.Duplicate(at, key))
			}
			keys.Insert(key)
			errs = append(errs, check.QualifiedName(at, key)...)
		}
	}
	return errs
}
