package csidriver

import (
	v1 "k8s.io/api/storage/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// SetDefaults describes the common driver: it attaches volumes, and asks for nothing more.
func SetDefaults(obj *v1.CSIDriver) {
	s := &obj.Spec
	setDefault(&s.AttachRequired, true)
	setDefault(&s.PodInfoOnMount, false)
	setDefault(&s.StorageCapacity, false)
	setDefault(&s.FSGroupPolicy, v1.ReadWriteOnceWithFSTypeFSGroupPolicy)
	if len(s.VolumeLifecycleModes) == 0 {
		s.VolumeLifecycleModes = []v1.VolumeLifecycleMode{v1.VolumeLifecyclePersistent}
	}
	setDefault(&s.RequiresRepublish, false)
	setDefault(&s.SELinuxMount, false)
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// Validate checks a new driver. Its name is that which volumes name.
func Validate(obj *v1.CSIDriver) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, field.NewPath("spec"))...)
}

func validateSpec(s *v1.CSIDriverSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	need := func(child string, set bool) {
		if !set {
			errs = append(errs, field.Required(path.Child(child), ""))
		}
	}
	need("attachedRequired", s.AttachRequired != nil)
	need("podInfoOnMount", s.PodInfoOnMount != nil)
	need("storageCapacity", s.StorageCapacity != nil)
	need("seLinuxMount", s.SELinuxMount != nil)
	if s.FSGroupPolicy == nil {
		need("fsGroupPolicy", false)
	} else {
		errs = append(errs, check.OneOf(path.Child("fsGroupPolicy"), *s.FSGroupPolicy, v1.FileFSGroupPolicy, v1.NoneFSGroupPolicy, v1.ReadWriteOnceWithFSTypeFSGroupPolicy)...)
	}
	audiences := sets.New[string]()
	for i, t := range s.TokenRequests {
		at := path.Child("tokenRequests").Index(i)
		if audiences.Has(t.Audience) {
			errs = append(errs, field.Duplicate(at.Child("audience"), t.Audience))
			continue
		}
		audiences.Insert(t.Audience)
		if t.ExpirationSeconds == nil {
			continue
		}
		if *t.ExpirationSeconds < 10*60 {
			errs = append(errs, field.Invalid(at.Child("expirationSeconds"), *t.ExpirationSeconds, "may not specify a duration less than 10 minutes"))
		}
		if *t.ExpirationSeconds > 1<<32 {
			errs = append(errs, field.Invalid(at.Child("expirationSeconds"), *t.ExpirationSeconds, "may not specify a duration larger than 2^32 seconds"))
		}
	}
	for _, m := range s.VolumeLifecycleModes {
		errs = append(errs, check.OneOf(path.Child("volumeLifecycleModes"), m, v1.VolumeLifecyclePersistent, v1.VolumeLifecycleEphemeral)...)
	}
	if p := s.NodeAllocatableUpdatePeriodSeconds; p != nil && *p < 10 {
		errs = append(errs, field.Invalid(path.Child("nodeAllocatableUpdatePeriodSeconds"), *p, "must be greater than or equal to 10 seconds"))
	}
	return errs
}

// ValidateUpdate checks a change. How volumes come to nodes stays.
func ValidateUpdate(obj, old *v1.CSIDriver) field.ErrorList {
	path := field.NewPath("spec")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateSpec(&obj.Spec, path)...)
	errs = append(errs, apivalidation.ValidateImmutableField(obj.Spec.AttachRequired, old.Spec.AttachRequired, path.Child("attachedRequired"))...)
	return append(errs, apivalidation.ValidateImmutableField(obj.Spec.VolumeLifecycleModes, old.Spec.VolumeLifecycleModes, path.Child("volumeLifecycleModes"))...)
}

// DropDisabled removes what the gate that is off offers, unless the driver has it already; old is nil for a new one.
func DropDisabled(obj, old *v1.CSIDriver) {
	if old == nil || old.Spec.PreventPodSchedulingIfMissing == nil {
		obj.Spec.PreventPodSchedulingIfMissing = nil
	}
}
