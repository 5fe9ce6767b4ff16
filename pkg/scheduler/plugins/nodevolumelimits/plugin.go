// Package nodevolumelimits respects how many volumes of a CSI driver a node can have attached.
package nodevolumelimits

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/component-helpers/storage/ephemeral"
	volumehelpers "k8s.io/component-helpers/storage/volume"
	csitrans "k8s.io/csi-translation-lib"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "NodeVolumeLimits"

// ErrReason is what users see.
const ErrReason = "node(s) exceed max volume count"

// Plugin filters by attach limits.
type Plugin struct {
	nodes      storagelisters.CSINodeLister
	claims     corelisters.PersistentVolumeClaimLister
	volumes    corelisters.PersistentVolumeLister
	classes    storagelisters.StorageClassLister
	translator csitrans.CSITranslator
}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New makes the plugin.
func New(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	f := handle.SharedInformerFactory()
	return &Plugin{
		nodes: f.Storage().V1().CSINodes().Lister(), claims: f.Core().V1().PersistentVolumeClaims().Lister(),
		volumes: f.Core().V1().PersistentVolumes().Lister(), classes: f.Storage().V1().StorageClasses().Lister(), translator: csitrans.New(),
	}, nil
}

func (*Plugin) Name() string                                 { return Name }
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// SignPod signs the volumes.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.VolumesSignerName, Value: fwk.VolumesSigner(pod)}}, nil
}

// PreFilter skips pods whose volumes never are CSI volumes.
func (p *Plugin) PreFilter(_ context.Context, _ fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.PersistentVolumeClaim != nil || volume.Ephemeral != nil || p.translator.IsInlineMigratable(volume) {
			return nil, nil
		}
	}
	return nil, fwk.NewStatus(fwk.Skip)
}

// Filter counts volumes per driver: those on the node, and the pod's that are not among them.
func (p *Plugin) Filter(_ context.Context, _ fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	csiNode, err := p.nodes.Get(info.Node().Name)
	if err != nil {
		// Without a CSINode no driver limits anything.
		return nil
	}
	limits := map[string]int{}
	for i := range csiNode.Spec.Drivers {
		if driver := &csiNode.Spec.Drivers[i]; driver.Allocatable != nil && driver.Allocatable.Count != nil {
			limits[driver.Name] = int(*driver.Allocatable.Count)
		}
	}
	if len(limits) == 0 {
		return nil
	}
	wanted := map[string]string{}
	if status := p.collect(pod, wanted, true); !status.IsSuccess() {
		return status
	}
	if len(wanted) == 0 {
		return nil
	}
	attached := map[string]string{}
	for _, running := range info.GetPods() {
		_ = p.collect(running.GetPod(), attached, false)
	}
	count := map[string]int{}
	for _, driver := range attached {
		count[driver]++
	}
	added := map[string]int{}
	for id, driver := range wanted {
		if _, already := attached[id]; !already {
			added[driver]++
		}
	}
	for driver, n := range added {
		if limit, ok := limits[driver]; ok && count[driver]+n > limit {
			return fwk.NewStatus(fwk.Unschedulable, ErrReason)
		}
	}
	return nil
}

// collect finds the CSI volumes of a pod: unique id to driver. For the incoming pod, strict, missing objects are a refusal.
func (p *Plugin) collect(pod *v1.Pod, into map[string]string, strict bool) *fwk.Status {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		name := ""
		switch {
		case volume.PersistentVolumeClaim != nil:
			name = volume.PersistentVolumeClaim.ClaimName
		case volume.Ephemeral != nil:
			name = ephemeral.VolumeClaimName(pod, volume)
		case p.translator.IsInlineMigratable(volume):
			if pv, err := p.translator.TranslateInTreeInlineVolumeToCSI(klog.Logger{}, volume, pod.Namespace); err == nil && pv.Spec.CSI != nil {
				into[pv.Spec.CSI.Driver+"/"+pv.Spec.CSI.VolumeHandle] = pv.Spec.CSI.Driver
			}
			continue
		default:
			continue
		}
		claim, err := p.claims.PersistentVolumeClaims(pod.Namespace).Get(name)
		if err != nil {
			if !strict {
				continue
			}
			if apierrors.IsNotFound(err) {
				return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
			}
			return fwk.AsStatus(err)
		}
		if id, driver := p.identify(claim); driver != "" {
			into[id] = driver
		}
	}
	return nil
}

// identify names the volume behind a claim; one not provisioned yet counts by the claim itself.
func (p *Plugin) identify(claim *v1.PersistentVolumeClaim) (id, driver string) {
	if claim.Spec.VolumeName != "" {
		if pv, err := p.volumes.Get(claim.Spec.VolumeName); err == nil {
			if pv.Spec.CSI == nil && p.translator.IsPVMigratable(pv) {
				if translated, err := p.translator.TranslateInTreePVToCSI(klog.Logger{}, pv); err == nil {
					pv = translated
				}
			}
			if pv.Spec.CSI != nil {
				return pv.Spec.CSI.Driver + "/" + pv.Spec.CSI.VolumeHandle, pv.Spec.CSI.Driver
			}
			return "", ""
		}
	}
	class, err := p.classes.Get(volumehelpers.GetPersistentVolumeClaimClass(claim))
	if err != nil {
		return "", ""
	}
	driver = class.Provisioner
	if p.translator.IsMigratableIntreePluginByName(driver) {
		if driver, err = p.translator.GetCSINameFromInTreeName(driver); err != nil {
			return "", ""
		}
	}
	return fmt.Sprintf("%s/claim/%s/%s", driver, claim.Namespace, claim.Name), driver
}

// EventsToRegister asks for limits that rise and volumes that go.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{
		Event: fwk.ClusterEvent{Resource: fwk.CSINode, ActionType: fwk.Add | fwk.Update},
		QueueingHintFn: func(_ klog.Logger, _ *v1.Pod, old, new any) (fwk.QueueingHint, error) {
			before, _ := old.(*storagev1.CSINode)
			after, ok := new.(*storagev1.CSINode)
			if !ok || before == nil || raised(before, after) {
				return fwk.Queue, nil
			}
			return fwk.QueueSkip, nil
		},
	}, {
		Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete},
		QueueingHintFn: func(_ klog.Logger, _ *v1.Pod, old, _ any) (fwk.QueueingHint, error) {
			gone, ok := old.(*v1.Pod)
			if !ok {
				return fwk.Queue, fmt.Errorf("expected a pod, got %T", old)
			}
			for i := range gone.Spec.Volumes {
				if gone.Spec.NodeName != "" && (gone.Spec.Volumes[i].PersistentVolumeClaim != nil || gone.Spec.Volumes[i].Ephemeral != nil) {
					return fwk.Queue, nil
				}
			}
			return fwk.QueueSkip, nil
		},
	}, {
		Event: fwk.ClusterEvent{Resource: fwk.PersistentVolumeClaim, ActionType: fwk.Add},
	}, {
		Event: fwk.ClusterEvent{Resource: fwk.VolumeAttachment, ActionType: fwk.Delete},
	}}, nil
}

func raised(old, new *storagev1.CSINode) bool {
	limits := map[string]int32{}
	for i := range old.Spec.Drivers {
		if d := &old.Spec.Drivers[i]; d.Allocatable != nil && d.Allocatable.Count != nil {
			limits[d.Name] = *d.Allocatable.Count
		}
	}
	for i := range new.Spec.Drivers {
		d := &new.Spec.Drivers[i]
		if d.Allocatable == nil || d.Allocatable.Count == nil {
			return true
		}
		if limit, ok := limits[d.Name]; !ok || *d.Allocatable.Count > limit {
			return true
		}
	}
	return false
}
