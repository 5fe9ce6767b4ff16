package dynamicresources

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "DynamicResources"

const stateKey fwk.StateKey = Name

// celCacheEntries bounds the compiled selectors kept.
const celCacheEntries = 256

// features of the allocator that are on by default in 1.36.
var features = structured.Features{
	AdminAccess: true, ConsumableCapacity: true, DeviceBindingAndStatus: true, DeviceTaints: true, PartitionableDevices: true, PrioritizedList: true,
}

// Plugin filters by devices, allocates and reserves them.
type Plugin struct {
	handle         fwk.Handle
	manager        fwk.SharedDRAManager
	filterTimeout  time.Duration
	bindingTimeout time.Duration
	celCache       *cel.Cache

	mu      sync.Mutex
	changed chan struct{}
}

var (
	_ fwk.PreEnqueuePlugin  = &Plugin{}
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.PostFilterPlugin  = &Plugin{}
	_ fwk.ReservePlugin     = &Plugin{}
	_ fwk.PreBindPlugin     = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New makes the plugin.
func New(_ context.Context, object runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	args, ok := object.(*configv1.DynamicResourcesArgs)
	if !ok {
		return nil, fmt.Errorf("want args of type DynamicResourcesArgs, got %T", object)
	}
	p := &Plugin{
		handle: handle, manager: handle.SharedDRAManager(), bindingTimeout: configv1.DynamicResourcesBindingTimeoutDefault,
		celCache: cel.NewCache(celCacheEntries, cel.Features{EnableConsumableCapacity: true}), changed: make(chan struct{}),
	}
	if args.FilterTimeout != nil {
		p.filterTimeout = args.FilterTimeout.Duration
	}
	if args.BindingTimeout != nil {
		p.bindingTimeout = args.BindingTimeout.Duration
	}
	if _, err := handle.SharedInformerFactory().Resource().V1().ResourceClaims().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(any, any) { p.wake() }, DeleteFunc: func(any) { p.wake() },
	}); err != nil {
		return nil, fmt.Errorf("watching claims: %w", err)
	}
	return p, nil
}

func (*Plugin) Name() string                                 { return Name }
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

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

// SignPod refuses pods with claims: a device given to one is not there for the next.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	if len(pod.Spec.ResourceClaims) > 0 {
		return nil, fwk.NewStatus(fwk.Unschedulable, "pods with resource claims can't be signed")
	}
	return nil, nil
}

// state is what became of the pod's claims.
type state struct {
	claims []*claimState

	allocator structured.Allocator
	mu        *sync.Mutex
	// byNode is what the allocator would give on each node, in the order of the unallocated claims; unavailable are claims that
	// some node could not reach.
	byNode      map[string][]resourceapi.AllocationResult
	unavailable map[types.UID]bool
}

type claimState struct {
	claim *resourceapi.ResourceClaim
	// allocation is set when the claim has devices, from the API or pending.
	allocation *resourceapi.AllocationResult
	selector   *nodeaffinity.NodeSelector
	// ours is the claim with the allocation this cycle made, pending that it was signalled.
	ours    *resourceapi.ResourceClaim
	pending bool
}

func (s *state) Clone() fwk.StateData { return s }

func (s *state) unallocated() []*resourceapi.ResourceClaim {
	var out []*resourceapi.ResourceClaim
	for _, one := range s.claims {
		if one.allocation == nil {
			out = append(out, one.claim)
		}
	}
	return out
}

// PreEnqueue keeps pods away whose claims have not been created yet.
func (p *Plugin) PreEnqueue(_ context.Context, pod *v1.Pod) *fwk.Status {
	if _, status := p.claimsOf(pod); !status.IsSuccess() {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, status.Message())
	}
	return nil
}

// claimsOf finds the pod's claims.
func (p *Plugin) claimsOf(pod *v1.Pod) ([]*resourceapi.ResourceClaim, *fwk.Status) {
	var out []*resourceapi.ResourceClaim
	for i := range pod.Spec.ResourceClaims {
		name, mustOwn, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil {
			return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
		}
		if name == nil {
			continue
		}
		claim, err := p.manager.ResourceClaims().Get(pod.Namespace, *name)
		if err != nil {
			if apierrors.IsNotFound(err) {
				return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
			}
			return nil, fwk.AsStatus(err)
		}
		if claim.DeletionTimestamp != nil {
			return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("resourceclaim %q is being deleted", claim.Name))
		}
		if mustOwn {
			if err := resourceclaim.IsForPod(pod, claim, false); err != nil {
				return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
			}
		}
		out = append(out, claim)
	}
	return out, nil
}

// PreFilter looks at the claims and prepares the allocator when some need devices.
func (p *Plugin) PreFilter(ctx context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	if len(pod.Spec.ResourceClaims) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	claims, status := p.claimsOf(pod)
	if !status.IsSuccess() {
		return nil, status
	}
	if len(claims) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	s := &state{mu: &sync.Mutex{}, byNode: map[string][]resourceapi.AllocationResult{}, unavailable: map[types.UID]bool{}}
	for _, claim := range claims {
		one, status := p.examine(pod, claim)
		if !status.IsSuccess() {
			return nil, status
		}
		s.claims = append(s.claims, one)
	}
	if len(s.unallocated()) > 0 {
		allocated, err := p.manager.ResourceClaims().GatherAllocatedState()
		if err != nil {
			return nil, fwk.AsStatus(fmt.Errorf("gathering allocated devices: %w", err))
		}
		slices, err := p.manager.ResourceSlices().ListWithDeviceTaintRules()
		if err != nil {
			return nil, fwk.AsStatus(fmt.Errorf("listing resource slices: %w", err))
		}
		if s.allocator, err = structured.NewAllocator(ctx, features, *allocated, p.manager.DeviceClasses(), slices, p.celCache); err != nil {
			return nil, fwk.AsStatus(fmt.Errorf("preparing the allocation of devices: %w", err))
		}
	}
	cycle.Write(stateKey, s)
	return nil, nil
}

func (p *Plugin) examine(pod *v1.Pod, claim *resourceapi.ResourceClaim) (*claimState, *fwk.Status) {
	one := &claimState{claim: claim, allocation: claim.Status.Allocation}
	if one.allocation == nil {
		one.allocation = p.manager.ResourceClaims().GetPendingAllocation(claim.UID)
	}
	if one.allocation != nil {
		if !resourceclaim.IsReservedForPod(pod, claim, false) && (!resourceclaim.CanBeReserved(claim) || len(claim.Status.ReservedFor) >= resourceapi.ResourceClaimReservedForMaxSize) {
			return nil, fwk.NewStatus(fwk.Unschedulable, "resourceclaim in use")
		}
		if one.allocation.NodeSelector != nil {
			selector, err := nodeaffinity.NewNodeSelector(one.allocation.NodeSelector)
			if err != nil {
				return nil, fwk.AsStatus(err)
			}
			one.selector = selector
		}
		return one, nil
	}
	for _, request := range claim.Spec.Devices.Requests {
		var names []string
		if request.Exactly != nil {
			names = append(names, request.Exactly.DeviceClassName)
		}
		for _, alternative := range request.FirstAvailable {
			names = append(names, alternative.DeviceClassName)
		}
		for _, name := range names {
			if name == "" {
				return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("request %s: unsupported request type", request.Name))
			}
			if _, err := p.manager.DeviceClasses().Get(name); err != nil {
				if apierrors.IsNotFound(err) {
					return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("request %s: device class %s does not exist", request.Name, name))
				}
				return nil, fwk.AsStatus(err)
			}
		}
	}
	return one, nil
}

// Filter checks where allocated devices can be used, and tries to allocate the others on the node.
func (p *Plugin) Filter(ctx context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	s := data.(*state)
	node := info.Node()
	for _, one := range s.claims {
		if one.selector != nil && !one.selector.Match(node) {
			s.mu.Lock()
			s.unavailable[one.claim.UID] = true
			s.mu.Unlock()
			return fwk.NewStatus(fwk.Unschedulable, "resourceclaim not available on the node")
		}
	}
	if s.allocator == nil {
		return nil
	}
	limited := ctx
	if p.filterTimeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, p.filterTimeout)
		defer cancel()
	}
	results, err := s.allocator.Allocate(limited, node, s.unallocated())
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fwk.NewStatus(fwk.Unschedulable, "timed out trying to allocate devices")
	case ctx.Err() != nil:
		return fwk.NewStatus(fwk.Unschedulable, fmt.Sprintf("asked by caller to stop allocating devices: %v", context.Cause(ctx)))
	case errors.Is(err, structured.ErrFailedAllocationOnNode):
		return fwk.NewStatus(fwk.Unschedulable, err.Error())
	case err != nil:
		return fwk.AsStatus(err)
	case results == nil:
		return fwk.NewStatus(fwk.Unschedulable, "cannot allocate all claims")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byNode[node.Name] = results
	return nil
}

// PostFilter gives back a claim nobody uses that holds devices where the pod cannot run.
func (p *Plugin) PostFilter(ctx context.Context, cycle fwk.CycleState, pod *v1.Pod, _ fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	const nothing = "no new claims to deallocate"
	data, err := cycle.Read(stateKey)
	if err != nil {
		return nil, fwk.NewStatus(fwk.Unschedulable, nothing)
	}
	s := data.(*state)
	for _, one := range s.claims {
		claim := one.claim
		if !s.unavailable[claim.UID] || claim.Status.Allocation == nil || len(claim.Status.ReservedFor) > 1 ||
			(len(claim.Status.ReservedFor) == 1 && !resourceclaim.IsReservedForPod(pod, claim, false)) {
			continue
		}
		updated := claim.DeepCopy()
		updated.Status.ReservedFor, updated.Status.Allocation, updated.Status.Devices = nil, nil, nil
		if _, err := p.update(ctx, updated); err != nil {
			return nil, fwk.AsStatus(err)
		}
		return nil, fwk.NewStatus(fwk.Unschedulable, "deallocation of ResourceClaim completed")
	}
	return nil, fwk.NewStatus(fwk.Unschedulable, nothing)
}

// EventsToRegister asks for devices, classes and claims that come, change or go.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel | fwk.UpdateNodeTaint}},
		{Event: fwk.ClusterEvent{Resource: fwk.ResourceClaim, ActionType: fwk.Add | fwk.Update | fwk.Delete}, QueueingHintFn: p.afterClaim},
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.UpdatePodGeneratedResourceClaim}, QueueingHintFn: p.afterPod},
		{Event: fwk.ClusterEvent{Resource: fwk.DeviceClass, ActionType: fwk.Add | fwk.Update}},
		{Event: fwk.ClusterEvent{Resource: fwk.ResourceSlice, ActionType: fwk.Add | fwk.Update}},
	}, nil
}

// afterClaim lets a pod try again when its own claims are complete and one of them changed, or devices came free.
func (p *Plugin) afterClaim(_ klog.Logger, pod *v1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, _ := old.(*resourceapi.ResourceClaim)
	after, _ := new.(*resourceapi.ResourceClaim)
	claims, status := p.claimsOf(pod)
	if !status.IsSuccess() {
		return fwk.QueueSkip, nil
	}
	if before != nil && before.Status.Allocation != nil && (after == nil || after.Status.Allocation == nil) {
		return fwk.Queue, nil
	}
	if after == nil {
		return fwk.QueueSkip, nil
	}
	for _, claim := range claims {
		if claim.UID == after.UID {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}

func (p *Plugin) afterPod(_ klog.Logger, pod *v1.Pod, _, new any) (fwk.QueueingHint, error) {
	updated, ok := new.(*v1.Pod)
	if !ok || updated.UID != pod.UID {
		return fwk.QueueSkip, nil
	}
	if _, status := p.claimsOf(updated); !status.IsSuccess() {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, nil
}
