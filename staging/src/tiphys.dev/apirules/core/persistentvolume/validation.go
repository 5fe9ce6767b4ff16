package persistentvolume

import (
	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/nodeselector"
	"tiphys.dev/apirules/core/persistentvolumeclaim"
)

// Validate checks a new volume.
func Validate(obj *v1.PersistentVolume) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, field.NewPath("spec"))...)
}

func validateSpec(spec *v1.PersistentVolumeSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	add := func(more field.ErrorList) { errs = append(errs, more...) }
	if len(spec.AccessModes) == 0 {
		add(field.ErrorList{field.Required(path.Child("accessModes"), "")})
	}
	add(persistentvolumeclaim.ValidateAccessModes(spec.AccessModes, path.Child("accessModes")))
	add(validateCapacity(spec.Capacity, path.Child("capacity")))
	if spec.PersistentVolumeReclaimPolicy == "" {
		add(field.ErrorList{field.Required(path.Child("persistentVolumeReclaimPolicy"), "")})
	} else {
		add(check.OneOf(path.Child("persistentVolumeReclaimPolicy"), spec.PersistentVolumeReclaimPolicy,
			v1.PersistentVolumeReclaimDelete, v1.PersistentVolumeReclaimRecycle, v1.PersistentVolumeReclaimRetain))
	}
	if spec.NodeAffinity != nil {
		add(validateNodeAffinity(spec.NodeAffinity, path.Child("nodeAffinity")))
	}
	add(validateSource(spec, path))
	if spec.HostPath != nil && spec.HostPath.Path == "/" && spec.PersistentVolumeReclaimPolicy == v1.PersistentVolumeReclaimRecycle {
		// Recycling empties the directory.
		add(field.ErrorList{field.Forbidden(path.Child("persistentVolumeReclaimPolicy"), "may not be 'recycle' for a hostPath mount of '/'")})
	}
	if spec.StorageClassName != "" {
		add(check.Messages(path.Child("storageClassName"), spec.StorageClassName, apivalidation.NameIsDNSSubdomain(spec.StorageClassName, false)))
	}
	if spec.VolumeMode != nil {
		add(check.OneOf(path.Child("volumeMode"), *spec.VolumeMode, v1.PersistentVolumeBlock, v1.PersistentVolumeFilesystem))
	}
	if spec.VolumeAttributesClassName != nil {
		at, name := path.Child("volumeAttributesClassName"), *spec.VolumeAttributesClassName
		if name == "" {
			add(field.ErrorList{field.Required(at, "an empty string is disallowed")})
		} else {
			add(check.Messages(at, name, apivalidation.NameIsDNSSubdomain(name, false)))
		}
		if spec.CSI == nil {
			add(field.ErrorList{field.Required(path.Child("csi"), "has to be specified when using volumeAttributesClassName")})
		}
	}
	return errs
}

func validateCapacity(capacity v1.ResourceList, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(capacity) == 0 {
		errs = append(errs, field.Required(path, ""))
	}
	if _, ok := capacity[v1.ResourceStorage]; !ok || len(capacity) > 1 {
		e := field.NotSupported(path, "", []v1.ResourceName{v1.ResourceStorage})
		e.BadValue = capacity
		errs = append(errs, e)
	}
	for _, name := range sets.List(sets.KeySet(capacity)) {
		at := path.Key(string(name))
		amount := capacity[name]
		if amount.Sign() < 0 {
			errs = append(errs, field.Invalid(at, amount.Value(), "must be a valid resource quantity"))
		}
		errs = append(errs, check.PositiveQuantity(at, amount)...)
	}
	return errs
}

func validateNodeAffinity(a *v1.VolumeNodeAffinity, path *field.Path) field.ErrorList {
	if a.Required == nil {
		return field.ErrorList{field.Required(path.Child("required"), "must specify required node constraints")}
	}
	return nodeselector.Validate(a.Required, nodeselector.Options{}, path.Child("required"))
}

// ValidateUpdate checks a change. Where a volume is and what it is never changes.
func ValidateUpdate(obj, old *v1.PersistentVolume) field.ErrorList {
	path := field.NewPath("spec")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, Validate(obj)...)
	now, was := obj.Spec.PersistentVolumeSource.DeepCopy(), old.Spec.PersistentVolumeSource.DeepCopy()
	if now.CSI != nil && was.CSI != nil && was.CSI.ControllerExpandSecretRef == nil {
		// How to expand may be learned later.
		now.CSI.ControllerExpandSecretRef = nil
	}
	if !check.Same(now, was) {
		errs = append(errs, field.Forbidden(path.Child("persistentvolumesource"), "spec.persistentvolumesource is immutable after creation\n"+diff.Diff(was, now)))
	}
	errs = append(errs, check.Immutable(field.NewPath("volumeMode"), obj.Spec.VolumeMode, old.Spec.VolumeMode)...)
	if old.Spec.NodeAffinity != nil {
		errs = append(errs, validateAffinityChange(obj.Spec.NodeAffinity, old.Spec.NodeAffinity)...)
	}
	if old.Spec.VolumeAttributesClassName != nil && !check.Same(obj.Spec.VolumeAttributesClassName, old.Spec.VolumeAttributesClassName) && obj.Spec.VolumeAttributesClassName == nil {
		errs = append(errs, field.Forbidden(path.Child("volumeAttributesClassName"), "update from non-nil value to nil is forbidden"))
	}
	return errs
}

// validateAffinityChange lets node labels of beta time become those of today, and nothing else.
func validateAffinityChange(now, was *v1.VolumeNodeAffinity) field.ErrorList {
	renamed := was.DeepCopy()
	if renamed.Required != nil && now != nil && now.Required != nil && len(now.Required.NodeSelectorTerms) == len(renamed.Required.NodeSelectorTerms) {
		for i := range renamed.Required.NodeSelectorTerms {
			term, other := &renamed.Required.NodeSelectorTerms[i], now.Required.NodeSelectorTerms[i]
			rename(term.MatchExpressions, other.MatchExpressions)
			rename(term.MatchFields, other.MatchFields)
		}
	}
	if check.Same(now, renamed) {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("nodeAffinity"), now, apivalidation.FieldImmutableErrorMsg+", except for updating from beta label to GA")}
}

// rename gives keys their later names where the other list has those. A key without a later name has the empty one here, and an
// empty key is refused elsewhere: nothing more is said of it.
func rename(was, now []v1.NodeSelectorRequirement) {
	if len(was) != len(now) {
		return
	}
	for i := range was {
		if today := renames[was[i].Key]; now[i].Key == today {
			was[i].Key = today
		}
	}
}

var renames = map[string]string{
	v1.LabelFailureDomainBetaZone:   v1.LabelTopologyZone,
	v1.LabelFailureDomainBetaRegion: v1.LabelTopologyRegion,
	v1.LabelInstanceType:            v1.LabelInstanceTypeStable,
	"beta.kubernetes.io/os":         v1.LabelOSStable,
	"beta.kubernetes.io/arch":       v1.LabelArchStable,
}

// ValidateStatusUpdate checks that only the status is touched, by one who saw the latest.
func ValidateStatusUpdate(obj, old *v1.PersistentVolume) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	if len(obj.ResourceVersion) == 0 {
		errs = append(errs, field.Required(field.NewPath("resourceVersion"), ""))
	}
	return errs
}
