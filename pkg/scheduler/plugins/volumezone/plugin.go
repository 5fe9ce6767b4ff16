// Package volumezone keeps pods in the zone of their volumes, for volumes that say it by labels instead of node affinity.
package volumezone

import (
	"context"
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	volumehelpers "k8s.io/component-helpers/storage/volume"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "VolumeZone"

// ErrReason is what users see.
const ErrReason = "node(s) had no available volume zone"

const stateKey fwk.StateKey = Name

// zoneSeparator joins several zones in one label of a volume.
const zoneSeparator = "__"

// labelsOfZones pairs each label of a volume with those a node may say the same with.
var labelsOfZones = map[string]string{
	v1.LabelTopologyZone: v1.LabelFailureDomainBetaZone, v1.LabelTopologyRegion: v1.LabelFailureDomainBetaRegion,
	v1.LabelFailureDomainBetaZone: v1.LabelTopologyZone, v1.LabelFailureDomainBetaRegion: v1.LabelTopologyRegion,
}

// Plugin filters by zone labels of volumes.
type Plugin struct {
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	classes storagelisters.StorageClassLister
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
		claims: f.Core().V1().PersistentVolumeClaims().Lister(), volumes: f.Core().V1().PersistentVolumes().Lister(),
		classes: f.Storage().V1().StorageClasses().Lister(),
	}, nil
}

func (*Plugin) Name() string                                 { return Name }
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// SignPod signs the volumes.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.VolumesSignerName, Value: fwk.VolumesSigner(pod)}}, nil
}

// zone is a label a volume has, with the values it allows.
type zone struct {
	key    string
	values sets.Set[string]
}

type state []zone

func (s state) Clone() fwk.StateData { return s }

// PreFilter collects the zones of the pod's bound volumes.
func (p *Plugin) PreFilter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	var zones state
	for i := range pod.Spec.Volumes {
		source := pod.Spec.Volumes[i].PersistentVolumeClaim
		if source == nil {
			continue
		}
		found, status := p.zonesOf(pod.Namespace, source.ClaimName)
		if !status.IsSuccess() {
			return nil, status
		}
		zones = append(zones, found...)
	}
	if len(zones) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	cycle.Write(stateKey, zones)
	return nil, nil
}

func (p *Plugin) zonesOf(namespace, name string) (state, *fwk.Status) {
	claim, err := p.claims.PersistentVolumeClaims(namespace).Get(name)
	if err != nil {
		return nil, missing(err)
	}
	if claim.Spec.VolumeName == "" {
		class := volumehelpers.GetPersistentVolumeClaimClass(claim)
		if class == "" {
			return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "PersistentVolumeClaim had no pv name and storageClass name")
		}
		object, err := p.classes.Get(class)
		if err != nil {
			return nil, missing(err)
		}
		if object.VolumeBindingMode != nil && *object.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer {
			return nil, nil
		}
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "PersistentVolume had no name")
	}
	volume, err := p.volumes.Get(claim.Spec.VolumeName)
	if err != nil {
		return nil, missing(err)
	}
	var out state
	for key := range labelsOfZones {
		if value, ok := volume.Labels[key]; ok {
			out = append(out, zone{key, sets.New(strings.Split(value, zoneSeparator)...)})
		}
	}
	return out, nil
}

func missing(err error) *fwk.Status {
	if apierrors.IsNotFound(err) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	return fwk.AsStatus(err)
}

// Filter refuses nodes outside the zones. Nodes without any zone label are not in zones at all.
func (p *Plugin) Filter(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	labels := info.Node().Labels
	zoned := false
	for key := range labelsOfZones {
		_, ok := labels[key]
		zoned = zoned || ok
	}
	if !zoned {
		return nil
	}
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	for _, one := range data.(state) {
		value, ok := labels[one.key]
		if !ok {
			value, ok = labels[labelsOfZones[one.key]]
		}
		if !ok || !one.values.Has(value) {
			return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReason)
		}
	}
	return nil
}

// EventsToRegister asks for anything that may bring a volume into a node's zone or the other way round.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.StorageClass, ActionType: fwk.Add}},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel}},
		{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolumeClaim, ActionType: fwk.Add | fwk.Update}},
		{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolume, ActionType: fwk.Add | fwk.Update}},
	}, nil
}
