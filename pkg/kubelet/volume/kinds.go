package volume

import (
	"fmt"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/volume/configmap"
	"tiphys.dev/tiphys/pkg/kubelet/volume/downwardapi"
	"tiphys.dev/tiphys/pkg/kubelet/volume/emptydir"
	"tiphys.dev/tiphys/pkg/kubelet/volume/hostpath"
	"tiphys.dev/tiphys/pkg/kubelet/volume/image"
	"tiphys.dev/tiphys/pkg/kubelet/volume/local"
	"tiphys.dev/tiphys/pkg/kubelet/volume/nfs"
	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
	"tiphys.dev/tiphys/pkg/kubelet/volume/projected"
	"tiphys.dev/tiphys/pkg/kubelet/volume/secret"
)

// kinds is the one list of what can be mounted.
func (m *Manager) kinds() []plugin.Plugin {
	return []plugin.Plugin{
		emptydir.New(m.mounter, m.cfg.Allocatable),
		configmap.New(m.cfg.Objects, m.cfg.Clock),
		secret.New(m.cfg.Objects, m.mounter, m.cfg.Clock),
		projected.New(m.cfg.Objects, m.tokens, m.cfg.Bundles, m.mounter, m.cfg.Clock, m.cfg.Allocatable),
		downwardapi.New(m.mounter, m.cfg.Clock, m.cfg.Allocatable),
		hostpath.New(),
		image.New(),
		local.New(m.mounter),
		nfs.New(m.mounter),
	}
}

// kindOfPV names the kind that serves a persistent volume.
func kindOfPV(pv *v1.PersistentVolume) (string, error) {
	switch s := &pv.Spec.PersistentVolumeSource; {
	case s.HostPath != nil:
		return hostpath.Name, nil
	case s.Local != nil:
		return local.Name, nil
	case s.NFS != nil:
		return nfs.Name, nil
	default:
		return "", fmt.Errorf("no volume plugin matched: persistent volume %q is of a kind that this kubelet does not mount", pv.Name)
	}
}

// kindOf names the kind that serves a volume which the pod describes itself.
func kindOf(v *v1.Volume) (string, error) {
	switch s := &v.VolumeSource; {
	case s.EmptyDir != nil:
		return emptydir.Name, nil
	case s.ConfigMap != nil:
		return configmap.Name, nil
	case s.Secret != nil:
		return secret.Name, nil
	case s.Projected != nil:
		return projected.Name, nil
	case s.DownwardAPI != nil:
		return downwardapi.Name, nil
	case s.HostPath != nil:
		return hostpath.Name, nil
	case s.Image != nil:
		return image.Name, nil
	case s.NFS != nil:
		return nfs.Name, nil
	default:
		return "", fmt.Errorf("no volume plugin matched: volume %q is of a kind that this kubelet does not mount", v.Name)
	}
}
