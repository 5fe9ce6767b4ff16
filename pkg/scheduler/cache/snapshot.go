package cache

import (
	"fmt"
	"sort"
	"sync"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Snapshot is the state of the cluster one scheduling cycle decides on. It belongs to one goroutine, except that reading
// node infos and asking indexes prepared before may happen from many while no Refresh runs.
type Snapshot struct {
	infos  []*NodeInfo
	list   []fwk.NodeInfo
	byName map[string]int

	// structure is the cache's structure number of the last full numbering; Version counts numberings.
	structure int64
	version   int64

	// changes logs slots in the order they changed; base is the number of the first entry still kept.
	changes []int32
	base    int64

	claims        map[string]int
	affinityDirty bool
	withAffinity  []fwk.NodeInfo
	withAnti      []fwk.NodeInfo
	columnLock    sync.RWMutex
	columns       map[string]*Column
	counters      counterTable
	terms         *Terms
}

var _ fwk.SharedLister = &Snapshot{}

// NewSnapshot makes an empty snapshot.
func NewSnapshot() *Snapshot {
	return &Snapshot{byName: map[string]int{}, claims: map[string]int{}, columns: map[string]*Column{}, structure: -1}
}

// Refresh brings the snapshot up to date with the cache. The cost is that of the nodes changed since the last call.
func (c *Cache) Refresh(s *Snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.structure != c.structure {
		c.renumber(s)
	} else {
		for _, entry := range c.dirty {
			if entry.info.node == nil {
				continue
			}
			if slot, ok := s.byName[entry.info.node.Name]; ok {
				c.freezeImages(entry)
				s.replace(slot, entry.info.clone())
			}
		}
	}
	for i, entry := range c.dirty {
		entry.dirty = false
		c.dirty[i] = nil
	}
	c.dirty = c.dirty[:0]
}

// renumber gives every node a slot, taking zones in turn so that a search that stops early has seen all of them.
func (c *Cache) renumber(s *Snapshot) {
	zones := map[string][]*nodeEntry{}
	var order []string
	total := 0
	for _, entry := range c.nodes {
		if entry.info.node == nil {
			continue
		}
		zone := zoneOf(entry.info.node)
		if _, ok := zones[zone]; !ok {
			order = append(order, zone)
		}
		zones[zone] = append(zones[zone], entry)
		total++
	}
	sort.Strings(order)
	for _, zone := range order {
		entries := zones[zone]
		sort.Slice(entries, func(i, j int) bool { return entries[i].info.node.Name < entries[j].info.node.Name })
	}
	infos := make([]*NodeInfo, 0, total)
	for round := 0; len(infos) < total; round++ {
		for _, zone := range order {
			if round < len(zones[zone]) {
				infos = append(infos, s.current(c, zones[zone][round]))
			}
		}
	}
	s.reset(infos)
	s.structure = c.structure
}

// current returns the copy the snapshot already has when the node did not change, else a new one.
func (s *Snapshot) current(c *Cache, entry *nodeEntry) *NodeInfo {
	if slot, ok := s.byName[entry.info.node.Name]; ok && !entry.dirty && s.infos[slot].generation == entry.info.generation {
		return s.infos[slot]
	}
	c.freezeImages(entry)
	return entry.info.clone()
}

func (s *Snapshot) reset(infos []*NodeInfo) {
	s.infos = infos
	s.list = make([]fwk.NodeInfo, len(infos))
	s.byName = make(map[string]int, len(infos))
	s.claims = map[string]int{}
	for slot, info := range infos {
		info.Slot = slot
		s.list[slot] = info
		s.byName[info.node.Name] = slot
		for key, count := range info.pvcRefs {
			s.claims[key] += count
		}
	}
	s.version++
	s.base += int64(len(s.changes))
	s.changes = s.changes[:0]
	s.affinityDirty = true
	s.columns = map[string]*Column{}
	s.counters.reset()
	s.terms = nil
}

func (s *Snapshot) replace(slot int, info *NodeInfo) {
	old := s.infos[slot]
	info.Slot = slot
	s.infos[slot] = info
	s.list[slot] = info
	if len(old.pvcRefs) > 0 || len(info.pvcRefs) > 0 {
		for key, count := range old.pvcRefs {
			if s.claims[key] -= count; s.claims[key] <= 0 {
				delete(s.claims, key)
			}
		}
		for key, count := range info.pvcRefs {
			s.claims[key] += count
		}
	}
	if len(old.withAffinity) > 0 || len(info.withAffinity) > 0 {
		s.affinityDirty = true
	}
	// Old entries are of use only to indexes that were not asked for long; those may as well start anew.
	if limit := 2*len(s.infos) + 1024; len(s.changes) >= 2*limit {
		drop := len(s.changes) - limit
		s.changes = append(s.changes[:0], s.changes[drop:]...)
		s.base += int64(drop)
	}
	s.changes = append(s.changes, int32(slot))
}

// Version changes when nodes are renumbered; slots and positions from before mean nothing then.
func (s *Snapshot) Version() int64 { return s.version }

// Position is the present end of the log of changes.
func (s *Snapshot) Position() int64 { return s.base + int64(len(s.changes)) }

// ChangedSince returns the slots that changed after position, possibly with repetitions. It is false when the log does not
// reach back that far and the asker has to look at all nodes.
func (s *Snapshot) ChangedSince(position int64) ([]int32, bool) {
	if position < s.base {
		return nil, false
	}
	return s.changes[position-s.base:], true
}

// Len is the number of nodes.
func (s *Snapshot) Len() int { return len(s.infos) }

// At returns the node in a slot.
func (s *Snapshot) At(slot int) *NodeInfo { return s.infos[slot] }

// SlotOf returns the slot of a node by name.
func (s *Snapshot) SlotOf(name string) (int, bool) {
	slot, ok := s.byName[name]
	return slot, ok
}

// NodeInfos, StorageInfos and PodGroupStates are the published views.
func (s *Snapshot) NodeInfos() fwk.NodeInfoLister           { return s }
func (s *Snapshot) StorageInfos() fwk.StorageInfoLister     { return s }
func (s *Snapshot) PodGroupStates() fwk.PodGroupStateLister { return noPodGroups{} }

// List returns all nodes by slot.
func (s *Snapshot) List() ([]fwk.NodeInfo, error) { return s.list, nil }

// HavePodsWithAffinityList returns the nodes with a pod that carries any affinity term.
func (s *Snapshot) HavePodsWithAffinityList() ([]fwk.NodeInfo, error) {
	s.refreshAffinityLists()
	return s.withAffinity, nil
}

// HavePodsWithRequiredAntiAffinityList returns the nodes with a pod that carries a required anti-affinity term.
func (s *Snapshot) HavePodsWithRequiredAntiAffinityList() ([]fwk.NodeInfo, error) {
	s.refreshAffinityLists()
	return s.withAnti, nil
}

func (s *Snapshot) refreshAffinityLists() {
	if !s.affinityDirty {
		return
	}
	s.withAffinity, s.withAnti = nil, nil
	for _, info := range s.infos {
		if len(info.withAffinity) > 0 {
			s.withAffinity = append(s.withAffinity, info)
		}
		if len(info.withAntiAffinity) > 0 {
			s.withAnti = append(s.withAnti, info)
		}
	}
	s.affinityDirty = false
}

// Get returns a node by name.
func (s *Snapshot) Get(name string) (fwk.NodeInfo, error) {
	slot, ok := s.byName[name]
	if !ok {
		return nil, fmt.Errorf("node %q is not in the snapshot", name)
	}
	return s.infos[slot], nil
}

// IsPVCUsedByPods tells whether a pod with a node uses the claim "namespace/name".
func (s *Snapshot) IsPVCUsedByPods(key string) bool { return s.claims[key] > 0 }

// noPodGroups answers for pod groups while the alpha feature behind them is off.
type noPodGroups struct{}

func (noPodGroups) Get(namespace, name string) (fwk.PodGroupState, error) {
	return nil, fmt.Errorf("pod group %s/%s: %w", namespace, name, fwk.ErrNotFound)
}

// zoneOf names the failure domain of a node: region and zone together.
func zoneOf(node *v1.Node) string {
	return node.Labels[v1.LabelTopologyRegion] + "\x00" + node.Labels[v1.LabelTopologyZone]
}

// ListAll is List for those who know it cannot fail.
func (s *Snapshot) ListAll() []fwk.NodeInfo { return s.list }
