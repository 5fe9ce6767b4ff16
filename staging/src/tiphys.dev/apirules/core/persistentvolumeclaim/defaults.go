package persistentvolumeclaim

import (
	v1 "k8s.io/api/core/v1"

	"tiphys.dev/apirules/core/resources"
)

// SetDefaults starts a claim as pending and asking for a file system.
func SetDefaults(obj *v1.PersistentVolumeClaim) {
	if obj.Status.Phase == "" {
		obj.Status.Phase = v1.ClaimPending
	}
	resources.SetDefaults(obj.Status.Capacity)
	resources.SetDefaults(obj.Status.AllocatedResources)
	SetSpecDefaults(&obj.Spec)
}

// SetSpecDefaults is for claims that are written inside other objects.
func SetSpecDefaults(spec *v1.PersistentVolumeClaimSpec) {
	if spec.VolumeMode == nil {
		mode := v1.PersistentVolumeFilesystem
		spec.VolumeMode = &mode
	}
	resources.SetDefaults(spec.Resources.Limits)
	resources.SetDefaults(spec.Resources.Requests)
}
