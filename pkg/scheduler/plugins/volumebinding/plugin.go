package volumebinding

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-helpers/storage/ephemeral"
	volumehelpers "k8s.io/component-helpers/storage/volume"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"
)

// Name is the plugin's name in configurations.
const Name = "VolumeBinding"

// What users see.
const (
	ErrReasonUnboundImmediate = "pod has unbound immediate PersistentVolumeClaims"
	ErrReasonNodeConflict     = "node(s) didn't match PersistentVolume's node affinity"
	ErrReasonBindConflict     = "node(s) didn't find available persistent volumes to bind"
	ErrReasonNotEnoughSpace   = "node(s) did not have enough free storage"
	ErrReasonVolumeNotExist   = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
)

const stateKey fwk.StateKey = Name

// Plugin filters by volumes and binds them.
type Plugin struct {
	handle  fwk.Handle
	timeout time.Duration

	claimLister corelisters.PersistentVolumeClaimLister
	pvLister    corelisters.PersistentVolumeLister
	classes     storagelisters.StorageClassLister
	drivers     storagelisters.CSIDriverLister
	capacities  storagelisters.CSIStorageCapacityLister

	claims  *overlay[*v1.PersistentVolumeClaim]
	volumes *overlay[*v1.PersistentVolume]

	mu sync.Mutex
	// changed is closed and replaced whenever a claim or volume changes.
	changed chan struct{}
}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.ReservePlugin     = &Plugin{}
	_ fwk.PreBindPlugin     = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New makes the plugin.
func New(_ context.Context, object runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	args, ok := object.(*configv1.VolumeBindingArgs)
	if !ok {
		return nil, fmt.Errorf("want args of type VolumeBindingArgs, got %T", object)
	}
	f := handle.SharedInformerFactory()
	p := &Plugin{
		handle: handle, timeout: time.Duration(ptr.Deref(args.BindTimeoutSeconds, 600)) * time.Second,
		claimLister: f.Core().V1().PersistentVolumeClaims().Lister(), pvLister: f.Core().V1().PersistentVolumes().Lister(),
		classes: f.Storage().V1().StorageClasses().Lister(), drivers: f.Storage().V1().CSIDrivers().Lister(),
		capacities: f.Storage().V1().CSIStorageCapacities().Lister(),
		claims:     newOverlay[*v1.PersistentVolumeClaim](), volumes: newOverlay[*v1.PersistentVolume](), changed: make(chan struct{}),
	}
	for _, informer := range []cache.SharedIndexInformer{f.Core().V1().PersistentVolumeClaims().Informer(), f.Core().V1().PersistentVolumes().Informer()} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			UpdateFunc: func(any, any) { p.wake() }, DeleteFunc: func(any) { p.wake() },
		}); err != nil {
			return nil, fmt.Errorf("watching claims and volumes: %w", err)
		}
	}
	return p, nil
}

func (*Plugin) Name() string                                 { return Name }
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// SignPod signs the volumes.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.VolumesSignerName, Value: fwk.VolumesSigner(pod)}}, nil
}

func (p *Plugin) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Plugin) changes() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// state is what a pod's claims are, and per node what was found for those that wait for it.
type state struct {
	bound   []*v1.PersistentVolumeClaim
	delayed []*v1.PersistentVolumeClaim

	mu     *sync.Mutex
	byNode map[string]*choice
	// chosen is the reserved choice.
	chosen *choice
}

// choice is what one node would give the waiting claims.
type choice struct {
	bind      []binding
	provision []*v1.PersistentVolumeClaim
}

type binding struct {
	claim  *v1.PersistentVolumeClaim
	volume *v1.PersistentVolume
}

func (s *state) Clone() fwk.StateData { return s }

// PreFilter sorts the claims.
func (p *Plugin) PreFilter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	s := &state{mu: &sync.Mutex{}, byNode: map[string]*choice{}}
	found, immediate := false, false
	for i := range pod.Spec.Volumes {
		claim, status := p.claimOf(pod, &pod.Spec.Volumes[i])
		if !status.IsSuccess() {
			return nil, status
		}
		if claim == nil {
			continue
		}
		found = true
		claim = p.claims.see(claim)
		switch {
		case isBound(claim):
			s.bound = append(s.bound, claim)
		default:
			delayed, err := volumehelpers.IsDelayBindingMode(claim, p.classes)
			if err != nil {
				return nil, fwk.AsStatus(err)
			}
			// A claim that names its volume is bound by the controller without regard to pods.
			if delayed && claim.Spec.VolumeName == "" {
				s.delayed = append(s.delayed, claim)
			} else {
				immediate = true
			}
		}
	}
	if !found {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	if immediate {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonUnboundImmediate)
	}
	cycle.Write(stateKey, s)
	return nil, nil
}

func isBound(claim *v1.PersistentVolumeClaim) bool {
	_, complete := claim.Annotations[volumehelpers.AnnBindCompleted]
	return claim.Spec.VolumeName != "" && complete
}

// claimOf finds the claim of a volume, nil when it has none.
func (p *Plugin) claimOf(pod *v1.Pod, volume *v1.Volume) (*v1.PersistentVolumeClaim, *fwk.Status) {
	name := ""
	switch {
	case volume.PersistentVolumeClaim != nil:
		name = volume.PersistentVolumeClaim.ClaimName
	case volume.Ephemeral != nil:
		name = ephemeral.VolumeClaimName(pod, volume)
	default:
		return nil, nil
	}
	refuse := func(format string, args ...any) (*v1.PersistentVolumeClaim, *fwk.Status) {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf(format, args...))
	}
	claim, err := p.claimLister.PersistentVolumeClaims(pod.Namespace).Get(name)
	switch {
	case apierrors.IsNotFound(err) && volume.Ephemeral != nil:
		return refuse("waiting for ephemeral volume controller to create the persistentvolumeclaim %q", name)
	case apierrors.IsNotFound(err):
		return refuse("persistentvolumeclaim %q not found", name)
	case err != nil:
		return nil, fwk.AsStatus(fmt.Errorf("getting persistentvolumeclaim %q: %w", name, err))
	case claim.Status.Phase == v1.ClaimLost:
		return refuse("persistentvolumeclaim %q bound to non-existent persistentvolume %q", name, claim.Spec.VolumeName)
	case claim.DeletionTimestamp != nil:
		return refuse("persistentvolumeclaim %q is being deleted", name)
	}
	if volume.Ephemeral != nil {
		if err := ephemeral.VolumeIsForPod(pod, claim); err != nil {
			return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
		}
	}
	return claim, nil
}

// Filter checks bound volumes and looks for others.
func (p *Plugin) Filter(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	s := data.(*state)
	node := info.Node()
	for _, claim := range s.bound {
		volume, err := p.pvLister.Get(claim.Spec.VolumeName)
		if apierrors.IsNotFound(err) {
			return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonVolumeNotExist)
		}
		if err != nil {
			return fwk.AsStatus(err)
		}
		if volumehelpers.CheckNodeAffinity(p.volumes.see(volume), node.Labels) != nil {
			return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonNodeConflict)
		}
	}
	if len(s.delayed) == 0 {
		return nil
	}
	found, reason, err := p.choose(s.delayed, node)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if reason != "" {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, reason)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byNode[node.Name] = found
	return nil
}

// choose finds a volume or a way to provision for each claim on the node, or says why not.
func (p *Plugin) choose(claims []*v1.PersistentVolumeClaim, node *v1.Node) (*choice, string, error) {
	out := &choice{}
	taken := map[string]*v1.PersistentVolume{}
	for _, claim := range claims {
		// Once a node was selected for provisioning, only that node will do.
		if selected, ok := claim.Annotations[volumehelpers.AnnSelectedNode]; ok {
			if selected != node.Name {
				return nil, ErrReasonBindConflict, nil
			}
			out.provision = append(out.provision, claim)
			continue
		}
		volume, err := volumehelpers.FindMatchingVolume(claim, p.freeVolumes(claim), node, taken, false, true)
		if err != nil {
			return nil, "", err
		}
		if volume != nil {
			taken[volume.Name] = volume
			out.bind = append(out.bind, binding{claim, volume})
			continue
		}
		reason, err := p.canProvision(claim, node)
		if reason != "" || err != nil {
			return nil, reason, err
		}
		out.provision = append(out.provision, claim)
	}
	return out, "", nil
}

func (p *Plugin) freeVolumes(claim *v1.PersistentVolumeClaim) []*v1.PersistentVolume {
	class := volumehelpers.GetPersistentVolumeClaimClass(claim)
	all, err := p.pvLister.List(labels.Everything())
	if err != nil {
		return nil
	}
	var out []*v1.PersistentVolume
	for _, volume := range all {
		if volumehelpers.GetPersistentVolumeClass(volume) == class {
			out = append(out, p.volumes.see(volume))
		}
	}
	return out
}

func (p *Plugin) canProvision(claim *v1.PersistentVolumeClaim, node *v1.Node) (string, error) {
	name := volumehelpers.GetPersistentVolumeClaimClass(claim)
	class, err := p.classes.Get(name)
	if err != nil {
		return "", fmt.Errorf("finding storage class %q: %w", name, err)
	}
	if class.Provisioner == "" || class.Provisioner == volumehelpers.NotSupportedProvisioner {
		return ErrReasonBindConflict, nil
	}
	if !topologyMatches(class, node) {
		return ErrReasonBindConflict, nil
	}
	enough, err := p.hasCapacity(claim, class, node)
	if err != nil || enough {
		return "", err
	}
	return ErrReasonNotEnoughSpace, nil
}

func topologyMatches(class *storagev1.StorageClass, node *v1.Node) bool {
	if len(class.AllowedTopologies) == 0 {
		return true
	}
	for _, term := range class.AllowedTopologies {
		matches := true
		for _, expression := range term.MatchLabelExpressions {
			value, ok := node.Labels[expression.Key]
			in := false
			for _, allowed := range expression.Values {
				in = in || (ok && allowed == value)
			}
			matches = matches && in
		}
		if matches {
			return true
		}
	}
	return false
}

var errLost = errors.New("the claim was bound to nothing")

// Reserve remembers the node's choice.
func (p *Plugin) Reserve(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, node string) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return nil
	}
	s := data.(*state)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chosen = s.byNode[node]
	if s.chosen == nil {
		return nil
	}
	for i := range s.chosen.bind {
		one := &s.chosen.bind[i]
		updated, dirty, err := volumehelpers.GetBindVolumeToClaim(one.volume, one.claim)
		if err != nil {
			return fwk.AsStatus(err)
		}
		one.volume = updated
		if dirty {
			p.volumes.assume(updated)
		}
	}
	for i, claim := range s.chosen.provision {
		updated := claim.DeepCopy()
		if updated.Annotations == nil {
			updated.Annotations = map[string]string{}
		}
		updated.Annotations[volumehelpers.AnnSelectedNode] = node
		s.chosen.provision[i] = updated
		p.claims.assume(updated)
	}
	return nil
}

// Unreserve forgets it again.
func (p *Plugin) Unreserve(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, _ string) {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return
	}
	s := data.(*state)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chosen == nil {
		return
	}
	for _, one := range s.chosen.bind {
		p.volumes.restore(one.volume)
	}
	for _, claim := range s.chosen.provision {
		p.claims.restore(claim)
	}
	s.chosen = nil
}

// EventsToRegister asks for whatever may bring volume and node together.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.StorageClass, ActionType: fwk.Add | fwk.Update}},
		{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolumeClaim, ActionType: fwk.Add | fwk.Update}, QueueingHintFn: afterClaim},
		{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolume, ActionType: fwk.Add | fwk.Update}},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel}},
		{Event: fwk.ClusterEvent{Resource: fwk.CSINode, ActionType: fwk.Add | fwk.Update}},
		{Event: fwk.ClusterEvent{Resource: fwk.CSIDriver, ActionType: fwk.Update}},
		{Event: fwk.ClusterEvent{Resource: fwk.CSIStorageCapacity, ActionType: fwk.Add | fwk.Update}},
	}, nil
}

func afterClaim(_ klog.Logger, pod *v1.Pod, _, new any) (fwk.QueueingHint, error) {
	claim, ok := new.(*v1.PersistentVolumeClaim)
	if !ok {
		return fwk.Queue, fmt.Errorf("expected a claim, got %T", new)
	}
	if claim.Namespace != pod.Namespace {
		return fwk.QueueSkip, nil
	}
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ClaimName == claim.Name ||
			volume.Ephemeral != nil && ephemeral.VolumeClaimName(pod, volume) == claim.Name {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}
