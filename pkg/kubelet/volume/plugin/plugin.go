package plugin

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Request is one volume of one pod.
type Request struct {
	Pod    *v1.Pod
	Volume *v1.Volume
	// Dir is the volume's own directory, <root>/pods/<uid>/volumes/<kind>/<name>. It may not exist yet.
	Dir string
	// StateDir is for marks that must not be visible in the volume, <root>/pods/<uid>/plugins/<kind>/<name>.
	StateDir string
	// PV is the persistent volume behind the pod's claim; nil for volumes that the pod describes itself.
	PV *v1.PersistentVolume
	// ReadOnly is what the pod's use of a claim demands.
	ReadOnly bool
}

// Block tells whether the volume is used as a raw device.
func (r Request) Block() bool {
	return r.PV != nil && r.PV.Spec.VolumeMode != nil && *r.PV.Spec.VolumeMode == v1.PersistentVolumeBlock
}

// FSGroup is the group that shall own the volume's files, nil for none.
func (r Request) FSGroup() *int64 {
	if sc := r.Pod.Spec.SecurityContext; sc != nil {
		return sc.FSGroup
	}
	return nil
}

// FSGroupChangePolicy is the pod's wish about existing files.
func (r Request) FSGroupChangePolicy() *v1.PodFSGroupChangePolicy {
	if sc := r.Pod.Spec.SecurityContext; sc != nil {
		return sc.FSGroupChangePolicy
	}
	return nil
}

// Mounted tells containers where the volume is.
type Mounted struct {
	// Path on the host.
	Path string
	// ReadOnly means that no container may write, whatever its mount says.
	ReadOnly bool
	// Relabel means that the kubelet owns the content, so that the runtime may give it the pod's SELinux label.
	Relabel bool
	// Image is set for volumes that the runtime mounts itself from an image.
	Image string
	// Block is a device's path for volumes in block mode.
	Block string
}

// Plugin is a kind of volume.
type Plugin interface {
	// Name is the kind as upstream calls it, "kubernetes.io/empty-dir"; it also names the directory.
	Name() string
	// SetUp makes the volume ready for containers. It is called again after failures and after restarts of the kubelet, and
	// then finds what is there and leaves it.
	SetUp(ctx context.Context, req Request) (Mounted, error)
}

// Refresher is a kind whose content follows other objects.
type Refresher interface {
	// Refresh brings the content up to date. A volume that SetUp made is there already.
	Refresh(ctx context.Context, req Request) error
}

// TearDowner is a kind that must do more than unmount and remove its directory.
type TearDowner interface {
	TearDown(ctx context.Context, uid types.UID, volume, dir string) error
}

// Objects gives the ConfigMaps and Secrets that pods of this node refer to.
type Objects interface {
	ConfigMap(ctx context.Context, namespace, name string) (*v1.ConfigMap, error)
	Secret(ctx context.Context, namespace, name string) (*v1.Secret, error)
}
