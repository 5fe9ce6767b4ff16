package services

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Tracker collects changes between two snapshots. Its methods are called by
// informer handlers; Take by the one loop that programs the kernel.
type Tracker struct {
	mu       sync.Mutex
	started  time.Time
	services map[types.NamespacedName]*v1.Service
	slices   map[types.NamespacedName]map[string]*discovery.EndpointSlice
	dirty    map[types.NamespacedName]bool
	// triggered holds, for each service, the times of endpoint changes that no
	// snapshot contains yet.
	triggered map[types.NamespacedName][]time.Time
	node      Node
	allDirty  bool
	cidrs     []netip.Prefix
	last      *Snapshot
	// counts of changes not yet taken, for the metrics
	serviceChanges, endpointChanges int
}

// NewTracker returns a tracker with nothing in it. Endpoint changes that
// happened before now do not count for the latency of programming.
func NewTracker(node Node, now time.Time) *Tracker {
	return &Tracker{
		started:   now,
		services:  map[types.NamespacedName]*v1.Service{},
		slices:    map[types.NamespacedName]map[string]*discovery.EndpointSlice{},
		dirty:     map[types.NamespacedName]bool{},
		triggered: map[types.NamespacedName][]time.Time{},
		node:      node,
		last:      &Snapshot{Services: map[types.NamespacedName]*Service{}, Node: node},
	}
}

// SetService takes the present state of a Service.
func (t *Tracker) SetService(svc *v1.Service) {
	name := types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.services[name]; old != nil && sameService(old, svc) {
		t.services[name] = svc
		return
	}
	t.services[name] = svc
	t.dirty[name] = true
	t.serviceChanges++
}

// DeleteService forgets a Service.
func (t *Tracker) DeleteService(name types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.services[name]; !ok {
		return
	}
	delete(t.services, name)
	t.dirty[name] = true
	t.serviceChanges++
}

// SetSlice takes the present state of an EndpointSlice.
func (t *Tracker) SetSlice(slice *discovery.EndpointSlice) {
	name, ok := serviceOf(slice)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	byName := t.slices[name]
	if byName == nil {
		byName = map[string]*discovery.EndpointSlice{}
		t.slices[name] = byName
	}
	if old := byName[slice.Name]; old != nil && sameSlice(old, slice) {
		byName[slice.Name] = slice
		return
	}
	byName[slice.Name] = slice
	t.endpointsChanged(name, slice)
}

// DeleteSlice forgets an EndpointSlice.
func (t *Tracker) DeleteSlice(slice *discovery.EndpointSlice) {
	name, ok := serviceOf(slice)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	byName := t.slices[name]
	if _, ok := byName[slice.Name]; !ok {
		return
	}
	delete(byName, slice.Name)
	if len(byName) == 0 {
		delete(t.slices, name)
	}
	t.endpointsChanged(name, nil)
}

func (t *Tracker) endpointsChanged(name types.NamespacedName, slice *discovery.EndpointSlice) {
	t.dirty[name] = true
	t.endpointChanges++
	if slice == nil {
		return
	}
	at, err := time.Parse(time.RFC3339Nano, slice.Annotations[v1.EndpointsLastChangeTriggerTime])
	if err == nil && at.After(t.started) {
		t.triggered[name] = append(t.triggered[name], at)
	}
}

// SetNode takes the present state of the own node. Where endpoints lie and which
// hints are meant for here depends on it, so every service is decided again
// when name or zone change; the other fields concern the common rules only.
func (t *Tracker) SetNode(node Node) (changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.node == node {
		return false
	}
	if t.node.Name != node.Name || t.node.Zone != node.Zone {
		t.allDirty = true
	}
	t.node = node
	return true
}

// SetServiceCIDRs takes the ranges of cluster IPs.
func (t *Tracker) SetServiceCIDRs(cidrs []netip.Prefix) (changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	cidrs = slices.Clone(cidrs)
	slices.SortFunc(cidrs, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	if slices.Equal(t.cidrs, cidrs) {
		return false
	}
	t.cidrs = cidrs
	return true
}

// Pending returns how many changes the next snapshot will contain.
func (t *Tracker) Pending() (services, endpoints int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.serviceChanges, t.endpointChanges
}

// Change is a new snapshot, and what is different from the one before.
type Change struct {
	*Snapshot
	// Changed names the services that differ, are new, or are gone.
	Changed []types.NamespacedName
	// Before holds their states in the snapshot before; absent for new ones.
	Before map[types.NamespacedName]*Service
	// ServiceChanges and EndpointChanges count the events that went into it.
	ServiceChanges, EndpointChanges int
}

// Take returns the present snapshot and begins a new collection of changes.
func (t *Tracker) Take() Change {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.allDirty {
		for name := range t.services {
			t.dirty[name] = true
		}
	}
	out := Change{
		Snapshot:       &Snapshot{Services: maps.Clone(t.last.Services), Node: t.node, ServiceCIDRs: t.cidrs},
		Before:         map[types.NamespacedName]*Service{},
		ServiceChanges: t.serviceChanges, EndpointChanges: t.endpointChanges,
	}
	for name := range t.dirty {
		before := t.last.Services[name]
		after := Build(t.services[name], sorted(t.slices[name]), t.node, before)
		if after == nil && before == nil {
			continue
		}
		if before != nil {
			out.Before[name] = before
		}
		if after == nil {
			delete(out.Services, name)
		} else {
			after.Triggered = t.triggered[name]
			out.Services[name] = after
		}
		out.Changed = append(out.Changed, name)
	}
	slices.SortFunc(out.Changed, compareNames)
	clear(t.dirty)
	clear(t.triggered)
	t.allDirty, t.serviceChanges, t.endpointChanges = false, 0, 0
	t.last = out.Snapshot
	return out
}

func compareNames(a, b types.NamespacedName) int {
	if a.Namespace != b.Namespace {
		if a.Namespace < b.Namespace {
			return -1
		}
		return 1
	}
	switch {
	case a.Name < b.Name:
		return -1
	case a.Name > b.Name:
		return 1
	}
	return 0
}

func sorted(byName map[string]*discovery.EndpointSlice) []*discovery.EndpointSlice {
	out := make([]*discovery.EndpointSlice, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, byName[name])
	}
	return out
}

func serviceOf(slice *discovery.EndpointSlice) (types.NamespacedName, bool) {
	name := slice.Labels[discovery.LabelServiceName]
	if name == "" || slice.AddressType == discovery.AddressTypeFQDN {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: slice.Namespace, Name: name}, true
}

// sameService and sameSlice compare only what rules are made of: an annotation
// or a managed field must not cost a pass.
func sameService(a, b *v1.Service) bool {
	_, otherA := a.Labels[LabelServiceProxyName]
	_, otherB := b.Labels[LabelServiceProxyName]
	return otherA == otherB && reflect.DeepEqual(a.Spec, b.Spec) &&
		reflect.DeepEqual(a.Status.LoadBalancer, b.Status.LoadBalancer)
}

func sameSlice(a, b *discovery.EndpointSlice) bool {
	_, otherA := a.Labels[LabelServiceProxyName]
	_, otherB := b.Labels[LabelServiceProxyName]
	return otherA == otherB && a.AddressType == b.AddressType &&
		reflect.DeepEqual(a.Ports, b.Ports) && reflect.DeepEqual(a.Endpoints, b.Endpoints)
}

// Node returns what is known of the own node.
func (t *Tracker) Node() Node {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.node
}
