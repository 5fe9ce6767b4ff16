package persistentvolume

import (
	v1 "k8s.io/api/core/v1"

	"tiphys.dev/apirules/core/resources"
	"tiphys.dev/apirules/core/volumesource"
)

// SetDefaults keeps a volume that was released, with a file system on it.
func SetDefaults(obj *v1.PersistentVolume) {
	if obj.Status.Phase == "" {
		obj.Status.Phase = v1.VolumePending
	}
	spec := &obj.Spec
	if spec.PersistentVolumeReclaimPolicy == "" {
		spec.PersistentVolumeReclaimPolicy = v1.PersistentVolumeReclaimRetain
	}
	if spec.VolumeMode == nil {
		mode := v1.PersistentVolumeFilesystem
		spec.VolumeMode = &mode
	}
	resources.SetDefaults(spec.Capacity)
	setSourceDefaults(&spec.PersistentVolumeSource)
}

func setSourceDefaults(s *v1.PersistentVolumeSource) {
	fill := func(p *string, value string) {
		if *p == "" {
			*p = value
		}
	}
	if s.HostPath != nil && s.HostPath.Type == nil {
		unset := v1.HostPathUnset
		s.HostPath.Type = &unset
	}
	if s.ISCSI != nil {
		fill(&s.ISCSI.ISCSIInterface, "default")
	}
	if s.RBD != nil {
		fill(&s.RBD.RBDPool, "rbd")
		fill(&s.RBD.RadosUser, "admin")
		fill(&s.RBD.Keyring, "/etc/ceph/keyring")
	}
	if s.AzureDisk != nil {
		volumesource.SetAzureDiskDefaults(s.AzureDisk)
	}
	if s.ScaleIO != nil {
		fill(&s.ScaleIO.StorageMode, "ThinProvisioned")
		fill(&s.ScaleIO.FSType, "xfs")
	}
}
