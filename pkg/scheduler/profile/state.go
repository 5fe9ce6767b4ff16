package profile

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// sampleShare is the share of cycles whose plugins are timed one by one.
const sampleShare = 0.1

// CycleState is what plugins leave for each other during one pod's cycle. Reads take no lock: there are few keys, and they
// are read for every node.
type CycleState struct {
	mu      sync.Mutex
	entries atomic.Pointer[[]stateEntry]

	record          bool
	skipFilter      sets.Set[string]
	skipScore       sets.Set[string]
	skipPreBind     sets.Set[string]
	parallelPreBind sets.Set[string]
	skipPostFilter  bool
	podGroup        fwk.PodGroupCycleState
}

type stateEntry struct {
	key  fwk.StateKey
	data fwk.StateData
}

var _ fwk.CycleState = &CycleState{}

// NewCycleState makes an empty state; one in ten asks for per-plugin timing.
func NewCycleState() *CycleState {
	return &CycleState{record: rand.Float64() < sampleShare}
}

func (s *CycleState) ShouldRecordPluginMetrics() bool                    { return s.record }
func (s *CycleState) GetSkipFilterPlugins() sets.Set[string]             { return s.skipFilter }
func (s *CycleState) SetSkipFilterPlugins(plugins sets.Set[string])      { s.skipFilter = plugins }
func (s *CycleState) GetSkipScorePlugins() sets.Set[string]              { return s.skipScore }
func (s *CycleState) SetSkipScorePlugins(plugins sets.Set[string])       { s.skipScore = plugins }
func (s *CycleState) GetSkipPreBindPlugins() sets.Set[string]            { return s.skipPreBind }
func (s *CycleState) SetSkipPreBindPlugins(plugins sets.Set[string])     { s.skipPreBind = plugins }
func (s *CycleState) GetParallelPreBindPlugins() sets.Set[string]        { return s.parallelPreBind }
func (s *CycleState) SetParallelPreBindPlugins(plugins sets.Set[string]) { s.parallelPreBind = plugins }
func (s *CycleState) ShouldSkipAllPostFilterPlugins() bool               { return s.skipPostFilter }
func (s *CycleState) IsPodGroupSchedulingCycle() bool                    { return s.podGroup != nil }
func (s *CycleState) GetPodGroupSchedulingCycle() fwk.PodGroupCycleState { return s.podGroup }
func (s *CycleState) SetPodGroupSchedulingCycle(state fwk.PodGroupCycleState) {
	s.podGroup = state
}

// Read returns what was written under key, or ErrNotFound.
func (s *CycleState) Read(key fwk.StateKey) (fwk.StateData, error) {
	if entries := s.entries.Load(); entries != nil {
		for i := range *entries {
			if (*entries)[i].key == key {
				return (*entries)[i].data, nil
			}
		}
	}
	return nil, fwk.ErrNotFound
}

// Write stores data under key.
func (s *CycleState) Write(key fwk.StateKey, data fwk.StateData) {
	s.change(key, &stateEntry{key: key, data: data})
}

// Delete removes the key.
func (s *CycleState) Delete(key fwk.StateKey) { s.change(key, nil) }

func (s *CycleState) change(key fwk.StateKey, with *stateEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next []stateEntry
	if entries := s.entries.Load(); entries != nil {
		next = make([]stateEntry, 0, len(*entries)+1)
		for _, entry := range *entries {
			if entry.key != key {
				next = append(next, entry)
			}
		}
	}
	if with != nil {
		next = append(next, *with)
	}
	s.entries.Store(&next)
}

// Clone copies the state; each plugin decides how deep its part goes.
func (s *CycleState) Clone() fwk.CycleState {
	if s == nil {
		return nil
	}
	out := &CycleState{
		record: s.record, skipFilter: s.skipFilter, skipScore: s.skipScore, skipPreBind: s.skipPreBind,
		parallelPreBind: s.parallelPreBind, skipPostFilter: s.skipPostFilter, podGroup: s.podGroup,
	}
	if entries := s.entries.Load(); entries != nil {
		copied := make([]stateEntry, len(*entries))
		for i, entry := range *entries {
			copied[i] = stateEntry{key: entry.key, data: entry.data.Clone()}
		}
		out.entries.Store(&copied)
	}
	return out
}
