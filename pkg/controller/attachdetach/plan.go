package attachdetach

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// forceAfter is how long an unhealthy node is given to tell that it stopped using a volume.
const forceAfter = 6 * time.Minute

// volume is a CSI volume that some pod of a node wants.
type volume struct {
	pv             string
	driver, handle string
	shared         bool // may be on several nodes
}

// attachmentName is known to the kubelet, too: it looks for the attachment by this name.
func attachmentName(handle, driver, node string) string {
	return fmt.Sprintf("csi-%x", sha256.Sum256([]byte(handle+driver+node)))
}

// unique is the volume's name in the status of nodes.
func (v volume) unique() v1.UniqueVolumeName {
	return v1.UniqueVolumeName("kubernetes.io/csi/" + v.driver + "^" + v.handle)
}

// volumeOf describes a PersistentVolume, false when it is not attached by a driver.
func volumeOf(pv *v1.PersistentVolume) (volume, bool) {
	if pv.Spec.CSI == nil {
		return volume{}, false
	}
	shared := slices.ContainsFunc(pv.Spec.AccessModes, func(m v1.PersistentVolumeAccessMode) bool { return m == v1.ReadWriteMany || m == v1.ReadOnlyMany })
	return volume{pv: pv.Name, driver: pv.Spec.CSI.Driver, handle: pv.Spec.CSI.VolumeHandle, shared: shared}, true
}

// observed is what is known of one node.
type observed struct {
	node     *v1.Node            // nil when it is gone
	wanted   map[string]volume   // by attachment name
	attached map[string]attached // this controller's attachments to the node, by name
	// elsewhere are volumes attached to another node, by driver and handle.
	elsewhere func(volume) bool
	// unwanted is since when an attachment is not wanted.
	unwanted func(name string) time.Time
	force    bool // --disable-force-detach-on-timeout is not set
	now      time.Time
}

type attached struct {
	object *storagev1.VolumeAttachment
	volume volume
	known  bool // volume could be found
}

// plan is what to do for a node.
type plan struct {
	create  []volume
	blocked []volume // attached elsewhere
	delete  []*storagev1.VolumeAttachment
	// listed is the list for node.status.volumesAttached; write tells that it differs.
	listed []v1.AttachedVolume
	write  bool
	again  time.Duration // look again after this time; zero: never by itself
}

func decide(o observed) plan {
	var p plan
	var list []v1.AttachedVolume
	for _, name := range sorted(o.wanted) {
		v := o.wanted[name]
		if _, ok := o.attached[name]; ok {
			continue
		}
		if !v.shared && o.elsewhere(v) {
			p.blocked = append(p.blocked, v)
		} else if o.node != nil {
			p.create = append(p.create, v)
		}
	}
	for _, name := range sorted(o.attached) {
		a := o.attached[name]
		if _, ok := o.wanted[name]; ok && a.object.DeletionTimestamp == nil {
			if a.object.Status.Attached {
				list = append(list, v1.AttachedVolume{Name: a.volume.unique()})
			}
			continue
		}
		if a.object.DeletionTimestamp != nil {
			continue
		}
		wait := o.inUseFor(a, o.unwanted(name))
		if wait == 0 {
			p.delete = append(p.delete, a.object)
			continue
		}
		if wait > 0 && (p.again == 0 || wait < p.again) {
			p.again = wait
		}
		if a.object.Status.Attached {
			list = append(list, v1.AttachedVolume{Name: a.volume.unique()}) // the kubelet still uses it
		}
	}
	if o.node == nil {
		return p
	}
	slices.SortFunc(list, func(a, b v1.AttachedVolume) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	// Volumes of other kinds are not this controller's to take off.
	for _, a := range o.node.Status.VolumesAttached {
		if !ours(a.Name) {
			list = append(list, a)
		}
	}
	p.listed = list
	p.write = !sameVolumes(list, o.node.Status.VolumesAttached)
	return p
}

// inUseFor tells how long to wait before the attachment may be deleted: 0 now, -1 until the node tells, else that long.
func (o observed) inUseFor(a attached, since time.Time) time.Duration {
	if o.node == nil || !a.known || !slices.Contains(o.node.Status.VolumesInUse, a.volume.unique()) {
		return 0
	}
	if ready(o.node) {
		return -1
	}
	if slices.ContainsFunc(o.node.Spec.Taints, func(t v1.Taint) bool { return t.Key == v1.TaintNodeOutOfService }) {
		return 0
	}
	if !o.force {
		return -1
	}
	return max(0, since.Add(forceAfter).Sub(o.now))
}

func ready(n *v1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == v1.NodeReady {
			return c.Status == v1.ConditionTrue
		}
	}
	return false
}

func sorted[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

const csiPrefix = "kubernetes.io/csi/"

func ours(n v1.UniqueVolumeName) bool {
	return len(n) > len(csiPrefix) && string(n[:len(csiPrefix)]) == csiPrefix
}

func sameVolumes(a, b []v1.AttachedVolume) bool {
	if len(a) != len(b) {
		return false
	}
	for _, v := range a {
		if !slices.Contains(b, v) {
			return false
		}
	}
	return true
}
