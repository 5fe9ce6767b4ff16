package dynamicresources

import (
	"fmt"
	"strconv"
	"sync"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	schedulingapi "k8s.io/api/scheduling/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/informers"
	resourcelisters "k8s.io/client-go/listers/resource/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
)

// Manager is the shared view of devices.
type Manager struct {
	claims  resourcelisters.ResourceClaimLister
	slices  resourcelisters.ResourceSliceLister
	classes resourcelisters.DeviceClassLister

	claimInformer, sliceInformer, classInformer cache.SharedIndexInformer

	mu      sync.Mutex
	assumed map[types.NamespacedName]*resourceapi.ResourceClaim
	pending map[types.UID]*pendingClaim
}

type pendingClaim struct {
	claim *resourceapi.ResourceClaim
	users int
}

var (
	_ fwk.SharedDRAManager     = &Manager{}
	_ fwk.ResourceClaimTracker = &Manager{}
)

// NewManager asks the factory for the informers it needs.
func NewManager(f informers.SharedInformerFactory) *Manager {
	r := f.Resource().V1()
	return &Manager{
		claims: r.ResourceClaims().Lister(), slices: r.ResourceSlices().Lister(), classes: r.DeviceClasses().Lister(),
		claimInformer: r.ResourceClaims().Informer(), sliceInformer: r.ResourceSlices().Informer(), classInformer: r.DeviceClasses().Informer(),
		assumed: map[types.NamespacedName]*resourceapi.ResourceClaim{}, pending: map[types.UID]*pendingClaim{},
	}
}

// Informer returns the informer behind an event resource.
func (m *Manager) Informer(resource fwk.EventResource) (cache.SharedIndexInformer, error) {
	switch resource {
	case fwk.ResourceClaim:
		return m.claimInformer, nil
	case fwk.ResourceSlice:
		return m.sliceInformer, nil
	case fwk.DeviceClass:
		return m.classInformer, nil
	}
	return nil, fmt.Errorf("%s is not about devices", resource)
}

func (m *Manager) ResourceClaims() fwk.ResourceClaimTracker     { return m }
func (m *Manager) ResourceSlices() fwk.ResourceSliceLister      { return sliceLister{m.slices} }
func (m *Manager) DeviceClasses() fwk.DeviceClassLister         { return classLister{m.classes} }
func (m *Manager) DeviceClassResolver() fwk.DeviceClassResolver { return noResolver{} }
func (m *Manager) PodGroups() fwk.PodGroupLister                { return noPodGroups{} }

type sliceLister struct {
	lister resourcelisters.ResourceSliceLister
}

// ListWithDeviceTaintRules lists slices as they are: the rules' feature is off by default.
func (l sliceLister) ListWithDeviceTaintRules() ([]*resourceapi.ResourceSlice, error) {
	return l.lister.List(labels.Everything())
}

type classLister struct {
	lister resourcelisters.DeviceClassLister
}

func (l classLister) List() ([]*resourceapi.DeviceClass, error) {
	return l.lister.List(labels.Everything())
}
func (l classLister) Get(name string) (*resourceapi.DeviceClass, error) { return l.lister.Get(name) }

type noResolver struct{}

func (noResolver) GetDeviceClass(v1.ResourceName) *resourceapi.DeviceClass { return nil }

type noPodGroups struct{}

func (noPodGroups) Get(namespace, name string) (*schedulingapi.PodGroup, error) {
	return nil, fmt.Errorf("pod group %s/%s: %w", namespace, name, fwk.ErrNotFound)
}

// view returns the claim as it will be once our writes have come back.
func (m *Manager) view(claim *resourceapi.ResourceClaim) *resourceapi.ResourceClaim {
	name := types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}
	if ours, ok := m.assumed[name]; ok {
		if ours.UID == claim.UID && !later(claim.ResourceVersion, ours.ResourceVersion) {
			claim = ours
		} else {
			delete(m.assumed, name)
		}
	}
	return claim
}

func later(a, b string) bool {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	return errX == nil && errY == nil && x > y
}

// List lists all claims.
func (m *Manager) List() ([]*resourceapi.ResourceClaim, error) {
	all, err := m.claims.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*resourceapi.ResourceClaim, len(all))
	for i, claim := range all {
		out[i] = m.view(claim)
	}
	return out, nil
}

// Get returns one claim.
func (m *Manager) Get(namespace, name string) (*resourceapi.ResourceClaim, error) {
	claim, err := m.claims.ResourceClaims(namespace).Get(name)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.view(claim), nil
}

// ListAllAllocatedDevices returns the devices that belong to one claim alone.
func (m *Manager) ListAllAllocatedDevices() (sets.Set[structured.DeviceID], error) {
	state, err := m.GatherAllocatedState()
	if err != nil {
		return nil, err
	}
	return state.AllocatedDevices, nil
}

// GatherAllocatedState sums up what all claims hold, pending ones included.
func (m *Manager) GatherAllocatedState() (*structured.AllocatedState, error) {
	all, err := m.List()
	if err != nil {
		return nil, err
	}
	state := &structured.AllocatedState{
		AllocatedDevices: sets.New[structured.DeviceID](), AllocatedSharedDeviceIDs: sets.New[structured.SharedDeviceID](),
		AggregatedCapacity: structured.NewConsumedCapacityCollection(),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, claim := range all {
		if _, ok := m.pending[claim.UID]; !ok {
			addAllocation(state, claim.Status.Allocation)
		}
	}
	for _, one := range m.pending {
		addAllocation(state, one.claim.Status.Allocation)
	}
	return state, nil
}

func addAllocation(state *structured.AllocatedState, allocation *resourceapi.AllocationResult) {
	if allocation == nil {
		return
	}
	for i := range allocation.Devices.Results {
		result := &allocation.Devices.Results[i]
		if result.AdminAccess != nil && *result.AdminAccess {
			// Looking over the shoulder of a device's user takes nothing from anybody.
			continue
		}
		id := structured.MakeDeviceID(result.Driver, result.Pool, result.Device)
		if result.ShareID == nil {
			state.AllocatedDevices.Insert(id)
			continue
		}
		state.AllocatedSharedDeviceIDs.Insert(structured.MakeSharedDeviceID(id, result.ShareID))
		state.AggregatedCapacity.Insert(structured.NewDeviceConsumedCapacity(id, result.ConsumedCapacity))
	}
}

// SignalClaimPendingAllocation shows the claim's allocation although the API server does not know yet.
func (m *Manager) SignalClaimPendingAllocation(uid types.UID, claim *resourceapi.ResourceClaim) error {
	if claim == nil || claim.Status.Allocation == nil {
		return fmt.Errorf("claim %s has no allocation to signal", uid)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if one, ok := m.pending[uid]; ok {
		one.users++
		return nil
	}
	m.pending[uid] = &pendingClaim{claim: claim, users: 1}
	return nil
}

// GetPendingAllocation returns the pending allocation, or nil.
func (m *Manager) GetPendingAllocation(uid types.UID) *resourceapi.AllocationResult {
	m.mu.Lock()
	defer m.mu.Unlock()
	if one, ok := m.pending[uid]; ok {
		return one.claim.Status.Allocation
	}
	return nil
}

// MaybeRemoveClaimPendingAllocation ends one user's share of a pending allocation, or all of it.
func (m *Manager) MaybeRemoveClaimPendingAllocation(uid types.UID, force bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	one, ok := m.pending[uid]
	if !ok {
		return false
	}
	one.users--
	if one.users > 0 && !force {
		return false
	}
	delete(m.pending, uid)
	return true
}

// AssumeClaimAfterAPICall shows a claim as the API server returned it, until the informer has it.
func (m *Manager) AssumeClaimAfterAPICall(claim *resourceapi.ResourceClaim) error {
	known, err := m.claims.ResourceClaims(claim.Namespace).Get(claim.Name)
	if err != nil {
		if apierrors.IsNotFound(err) {
			return fmt.Errorf("claim %s/%s is gone", claim.Namespace, claim.Name)
		}
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known.UID == claim.UID && !later(known.ResourceVersion, claim.ResourceVersion) {
		m.assumed[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = claim
	}
	return nil
}

// AssumedClaimRestore goes back to the informer's version.
func (m *Manager) AssumedClaimRestore(namespace, name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.assumed, types.NamespacedName{Namespace: namespace, Name: name})
}
