package persistentvolume

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Warnings tells of fields, annotations and sources that are on their way out.
func Warnings(obj *v1.PersistentVolume) []string {
	var warnings []string
	add := func(path *field.Path, message string) {
		warnings = append(warnings, fmt.Sprintf("%s: %s", path, message))
	}
	annotations, spec := field.NewPath("metadata", "annotations"), field.NewPath("spec")
	if _, ok := obj.Annotations[v1.BetaStorageClassAnnotation]; ok {
		add(annotations.Key(v1.BetaStorageClassAnnotation), `deprecated since v1.8; use "storageClassName" attribute instead`)
	}
	if _, ok := obj.Annotations[v1.MountOptionAnnotation]; ok {
		add(annotations.Key(v1.MountOptionAnnotation), `deprecated since v1.31; use "mountOptions" attribute instead`)
	}
	if obj.Spec.PersistentVolumeReclaimPolicy == v1.PersistentVolumeReclaimRecycle {
		add(spec.Child("persistentVolumeReclaimPolicy"), "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.")
	}
	s := &obj.Spec.PersistentVolumeSource
	for _, d := range []struct {
		set        bool
		child, msg string
	}{
		{s.PhotonPersistentDisk != nil, "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"},
		{s.ScaleIO != nil, "scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
		{s.StorageOS != nil, "storageOS", "deprecated in v1.22, non-functional in v1.25+"},
		{s.Glusterfs != nil, "glusterfs", "deprecated in v1.25, non-functional in v1.26+"},
		{s.CephFS != nil, "cephfs", "deprecated in v1.28, non-functional in v1.31+"},
		{s.RBD != nil, "rbd", "deprecated in v1.28, non-functional in v1.31+"},
	} {
		if d.set {
			add(spec.Child(d.child), d.msg)
		}
	}
	if amount, ok := obj.Spec.Capacity[v1.ResourceStorage]; ok && amount.MilliValue()%1000 != 0 {
		add(spec.Child("capacity").Key("storage"), fmt.Sprintf("fractional byte value %q is invalid, must be an integer", amount.String()))
	}
	return warnings
}

// UpdateWarnings are those of the new object.
func UpdateWarnings(obj, _ *v1.PersistentVolume) []string { return Warnings(obj) }
