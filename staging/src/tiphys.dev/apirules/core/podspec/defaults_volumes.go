package podspec

import (
	v1 "k8s.io/api/core/v1"

	"tiphys.dev/apirules/core/persistentvolumeclaim"
	"tiphys.dev/apirules/core/volumesource"
)

func setVolumeDefaults(v *v1.Volume) {
	if v.VolumeSource == (v1.VolumeSource{}) {
		v.EmptyDir = &v1.EmptyDirVolumeSource{}
	}
	if s := v.HostPath; s != nil {
		orDefaultPointer(&s.Type, v1.HostPathUnset)
	}
	if s := v.Secret; s != nil {
		orDefaultPointer(&s.DefaultMode, v1.SecretVolumeSourceDefaultMode)
	}
	if s := v.ConfigMap; s != nil {
		orDefaultPointer(&s.DefaultMode, v1.ConfigMapVolumeSourceDefaultMode)
	}
	if s := v.DownwardAPI; s != nil {
		orDefaultPointer(&s.DefaultMode, v1.DownwardAPIVolumeSourceDefaultMode)
		setItemDefaults(s.Items)
	}
	if s := v.Projected; s != nil {
		orDefaultPointer(&s.DefaultMode, v1.ProjectedVolumeSourceDefaultMode)
		for i := range s.Sources {
			setProjectionDefaults(&s.Sources[i])
		}
	}
	if s := v.ISCSI; s != nil {
		orDefault(&s.ISCSIInterface, "default")
	}
	if s := v.RBD; s != nil {
		orDefault(&s.RBDPool, "rbd")
		orDefault(&s.RadosUser, "admin")
		orDefault(&s.Keyring, "/etc/ceph/keyring")
	}
	if v.AzureDisk != nil {
		volumesource.SetAzureDiskDefaults(v.AzureDisk)
	}
	if s := v.ScaleIO; s != nil {
		orDefault(&s.StorageMode, "ThinProvisioned")
		orDefault(&s.FSType, "xfs")
	}
	if v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil {
		persistentvolumeclaim.SetSpecDefaults(&v.Ephemeral.VolumeClaimTemplate.Spec)
	}
	if s := v.Image; s != nil && s.PullPolicy == "" {
		s.PullPolicy = pullPolicyFor(s.Reference)
	}
}

func setProjectionDefaults(p *v1.VolumeProjection) {
	if p.ServiceAccountToken != nil {
		orDefaultPointer(&p.ServiceAccountToken.ExpirationSeconds, int64(60*60))
	}
	if p.DownwardAPI != nil {
		setItemDefaults(p.DownwardAPI.Items)
	}
	if p.PodCertificate != nil {
		orDefaultPointer(&p.PodCertificate.MaxExpirationSeconds, int32(24*60*60))
	}
}

func setItemDefaults(items []v1.DownwardAPIVolumeFile) {
	for i := range items {
		setFieldRefDefaults(items[i].FieldRef)
	}
}
