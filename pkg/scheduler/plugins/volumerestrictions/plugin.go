// Package volumerestrictions keeps pods apart that want the same disk where the disk does not allow it, and sees to it that a
// claim with access mode ReadWriteOncePod has one pod.
package volumerestrictions

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "VolumeRestrictions"

// What users see.
const (
	ErrReasonDisk = "node(s) had no available disk"
	ErrReasonOnce = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
)

const stateKey fwk.StateKey = Name

// Plugin filters by volumes in use.
type Plugin struct {
	claims corelisters.PersistentVolumeClaimLister
	shared fwk.SharedLister
}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New makes the plugin.
func New(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	return &Plugin{claims: handle.SharedInformerFactory().Core().V1().PersistentVolumeClaims().Lister(), shared: handle.SnapshotSharedLister()}, nil
}

func (*Plugin) Name() string { return Name }

// SignPod signs the volumes.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.VolumesSignerName, Value: fwk.VolumesSigner(pod)}}, nil
}

// state holds the claims that allow one pod, and how many of them are in use.
type state struct {
	once  sets.Set[string]
	inUse int
}

func (s *state) Clone() fwk.StateData { out := *s; return &out }

// PreFilter looks up the claims; pods without volumes that could conflict need no Filter.
func (p *Plugin) PreFilter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	restricted := false
	s := &state{once: sets.New[string]()}
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		restricted = restricted || isDisk(volume)
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		claim, err := p.claims.PersistentVolumeClaims(pod.Namespace).Get(volume.PersistentVolumeClaim.ClaimName)
		if err != nil {
			if apierrors.IsNotFound(err) {
				return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
			}
			return nil, fwk.AsStatus(err)
		}
		if slices.Contains(claim.Spec.AccessModes, v1.ReadWriteOncePod) {
			key := pod.Namespace + "/" + claim.Name
			s.once.Insert(key)
			if p.shared.StorageInfos().IsPVCUsedByPods(key) {
				s.inUse++
			}
		}
	}
	if !restricted && s.once.Len() == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	cycle.Write(stateKey, s)
	return nil, nil
}

// PreFilterExtensions keep the number of claims in use.
func (p *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return p }

// AddPod counts a pod's claims in.
func (p *Plugin) AddPod(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, added fwk.PodInfo, _ fwk.NodeInfo) *fwk.Status {
	return change(cycle, added.GetPod(), 1)
}

// RemovePod counts them out.
func (p *Plugin) RemovePod(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, removed fwk.PodInfo, _ fwk.NodeInfo) *fwk.Status {
	return change(cycle, removed.GetPod(), -1)
}

func change(cycle fwk.CycleState, other *v1.Pod, sign int) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	s := data.(*state)
	for i := range other.Spec.Volumes {
		if claim := other.Spec.Volumes[i].PersistentVolumeClaim; claim != nil && s.once.Has(other.Namespace+"/"+claim.ClaimName) {
			s.inUse += sign
		}
	}
	return nil
}

// Filter refuses nodes where a disk is taken, and all while a one-pod claim is.
func (p *Plugin) Filter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	for i := range pod.Spec.Volumes {
		if !isDisk(&pod.Spec.Volumes[i]) {
			continue
		}
		for _, running := range info.GetPods() {
			if usesSameDisk(&pod.Spec.Volumes[i], running.GetPod()) {
				return fwk.NewStatus(fwk.Unschedulable, ErrReasonDisk)
			}
		}
	}
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	if data.(*state).inUse > 0 {
		return fwk.NewStatus(fwk.Unschedulable, ErrReasonOnce)
	}
	return nil
}

func isDisk(volume *v1.Volume) bool {
	return volume.GCEPersistentDisk != nil || volume.AWSElasticBlockStore != nil || volume.RBD != nil || volume.ISCSI != nil
}

func usesSameDisk(volume *v1.Volume, pod *v1.Pod) bool {
	for i := range pod.Spec.Volumes {
		if conflict(volume, &pod.Spec.Volumes[i]) {
			return true
		}
	}
	return false
}

// conflict tells whether two volumes are one disk that cannot be mounted twice. EBS allows one user in any case, the others many
// that only read.
func conflict(a, b *v1.Volume) bool {
	switch {
	case a.GCEPersistentDisk != nil && b.GCEPersistentDisk != nil:
		return a.GCEPersistentDisk.PDName == b.GCEPersistentDisk.PDName && !(a.GCEPersistentDisk.ReadOnly && b.GCEPersistentDisk.ReadOnly)
	case a.AWSElasticBlockStore != nil && b.AWSElasticBlockStore != nil:
		return a.AWSElasticBlockStore.VolumeID == b.AWSElasticBlockStore.VolumeID
	case a.ISCSI != nil && b.ISCSI != nil:
		return a.ISCSI.IQN == b.ISCSI.IQN && a.ISCSI.Lun == b.ISCSI.Lun && !(a.ISCSI.ReadOnly && b.ISCSI.ReadOnly)
	case a.RBD != nil && b.RBD != nil:
		return sets.New(a.RBD.CephMonitors...).HasAny(b.RBD.CephMonitors...) && a.RBD.RBDPool == b.RBD.RBDPool &&
			a.RBD.RBDImage == b.RBD.RBDImage && !(a.RBD.ReadOnly && b.RBD.ReadOnly)
	}
	return false
}

// EventsToRegister asks for pods that let go of a volume, for nodes, and for claims.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{
		Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete},
		QueueingHintFn: func(_ klog.Logger, pod *v1.Pod, old, _ any) (fwk.QueueingHint, error) {
			gone, ok := old.(*v1.Pod)
			if !ok {
				return fwk.Queue, fmt.Errorf("expected a pod, got %T", old)
			}
			for i := range pod.Spec.Volumes {
				mine := &pod.Spec.Volumes[i]
				if usesSameDisk(mine, gone) {
					return fwk.Queue, nil
				}
				for j := range gone.Spec.Volumes {
					its := &gone.Spec.Volumes[j]
					if gone.Namespace == pod.Namespace && mine.PersistentVolumeClaim != nil && its.PersistentVolumeClaim != nil &&
						mine.PersistentVolumeClaim.ClaimName == its.PersistentVolumeClaim.ClaimName {
						return fwk.Queue, nil
					}
				}
			}
			return fwk.QueueSkip, nil
		},
	}, {
		Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add},
	}, {
		Event: fwk.ClusterEvent{Resource: fwk.PersistentVolumeClaim, ActionType: fwk.Add | fwk.Update},
		QueueingHintFn: func(_ klog.Logger, pod *v1.Pod, _, new any) (fwk.QueueingHint, error) {
			claim, ok := new.(*v1.PersistentVolumeClaim)
			if !ok {
				return fwk.Queue, fmt.Errorf("expected a claim, got %T", new)
			}
			for i := range pod.Spec.Volumes {
				mine := pod.Spec.Volumes[i].PersistentVolumeClaim
				if mine != nil && claim.Namespace == pod.Namespace && mine.ClaimName == claim.Name {
					return fwk.Queue, nil
				}
			}
			return fwk.QueueSkip, nil
		},
	}}, nil
}
