package interpodaffinity

import (
	"context"
	"fmt"
	"maps"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

const stateKey fwk.StateKey = Name

// ownTerm is a term of the incoming pod with the pods it selects, counted per topology value. Delta is what AddPod and RemovePod
// changed since.
type ownTerm struct {
	term    fwk.AffinityTerm
	counter *cache.Counter
	delta   map[int32]int32
}

// count is the number of pods selected at a topology value. A running pod counts for affinity only when it matches all
// terms; with several terms no counter knows that, and delta holds the whole count.
func (t *ownTerm) count(id int32) int32 {
	if id == cache.NoValue {
		return 0
	}
	n := t.delta[id]
	if t.counter != nil && int(id) < len(t.counter.PerValue()) {
		n += t.counter.PerValue()[id]
	}
	return n
}

type state struct {
	info         *cache.PodInfo
	affinity     []ownTerm
	antiAffinity []ownTerm
	// existing are groups of running pods' anti-affinity terms that select the incoming pod.
	existing []existingTerm
	// selfMatch tells that the pod matches its own affinity terms, so it may be the first of its kind.
	selfMatch bool
	nsLabels  map[string]string
}

type existingTerm struct {
	group *cache.TermGroup
	// term and column stand for a term that came only through AddPod.
	term   *fwk.AffinityTerm
	column *cache.Column
	delta  map[int32]int32
}

func (t *existingTerm) count(id int32) int32 {
	n := t.delta[id]
	if t.group != nil {
		n += t.group.Count(id)
	}
	return n
}

// Clone copies the deltas; the rest does not change during a cycle.
func (s *state) Clone() fwk.StateData {
	out := *s
	out.affinity, out.antiAffinity = cloneOwn(s.affinity), cloneOwn(s.antiAffinity)
	out.existing = make([]existingTerm, len(s.existing))
	for i, term := range s.existing {
		term.delta = maps.Clone(term.delta)
		out.existing[i] = term
	}
	return &out
}

func cloneOwn(terms []ownTerm) []ownTerm {
	out := make([]ownTerm, len(terms))
	for i, term := range terms {
		term.delta = maps.Clone(term.delta)
		out[i] = term
	}
	return out
}

// PreFilter looks up the counts. Most pods have no terms and are selected by none, and need no Filter.
func (p *Plugin) PreFilter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	s := &state{}
	groups := p.snapshot.Terms().Groups(cache.RequiredAntiAffinity)
	if len(groups) > 0 {
		s.nsLabels = p.labelsOf(pod.Namespace)
		for _, group := range groups {
			if group.Term.Matches(pod, s.nsLabels) {
				s.existing = append(s.existing, existingTerm{group: group, column: group.Column, term: group.Term})
			}
		}
	}
	if pod.Spec.Affinity == nil || (pod.Spec.Affinity.PodAffinity == nil && pod.Spec.Affinity.PodAntiAffinity == nil) {
		if len(s.existing) == 0 {
			return nil, fwk.NewStatus(fwk.Skip)
		}
		cycle.Write(stateKey, s)
		return nil, nil
	}
	info, err := cache.NewPodInfo(pod)
	if err != nil {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("parsing pod: %v", err))
	}
	s.info = info
	if s.nsLabels == nil {
		s.nsLabels = p.labelsOf(pod.Namespace)
	}
	if err := p.countOwn(s, pod); err != nil {
		return nil, fwk.AsStatus(err)
	}
	if len(s.existing) == 0 && len(s.affinity) == 0 && len(s.antiAffinity) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	cycle.Write(stateKey, s)
	return nil, nil
}

func (p *Plugin) countOwn(s *state, pod *v1.Pod) error {
	for _, term := range s.info.GetRequiredAntiAffinityTerms() {
		resolved, err := p.resolve(term)
		if err != nil {
			return err
		}
		s.antiAffinity = append(s.antiAffinity, ownTerm{term: resolved, counter: p.counter(&resolved)})
	}
	terms := s.info.GetRequiredAffinityTerms()
	if len(terms) == 0 {
		return nil
	}
	s.selfMatch = true
	for _, term := range terms {
		resolved, err := p.resolve(term)
		if err != nil {
			return err
		}
		s.selfMatch = s.selfMatch && resolved.Matches(pod, s.nsLabels)
		s.affinity = append(s.affinity, ownTerm{term: resolved})
	}
	if len(terms) == 1 {
		s.affinity[0].counter = p.counter(&s.affinity[0].term)
		return nil
	}
	p.countAll(s)
	return nil
}

// countAll counts pods that match all affinity terms at once, per topology value of each.
func (p *Plugin) countAll(s *state) {
	columns := make([]*cache.Column, len(s.affinity))
	for i := range s.affinity {
		columns[i] = p.snapshot.Column(s.affinity[i].term.TopologyKey)
		s.affinity[i].delta = map[int32]int32{}
	}
	// The first term tells which nodes are worth looking at.
	first := p.counter(&s.affinity[0].term)
	for slot, n := range first.PerNode() {
		if n == 0 {
			continue
		}
		for _, running := range p.snapshot.At(slot).GetPods() {
			if !s.matchesAll(running.GetPod()) {
				continue
			}
			for i := range s.affinity {
				if id := columns[i].ID(slot); id != cache.NoValue {
					s.affinity[i].delta[id]++
				}
			}
		}
	}
}

func (s *state) matchesAll(pod *v1.Pod) bool {
	for i := range s.affinity {
		if !s.affinity[i].term.Matches(pod, nil) {
			return false
		}
	}
	return true
}

// PreFilterExtensions keep the deltas.
func (p *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return p }

// AddPod counts a pod in.
func (p *Plugin) AddPod(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, added fwk.PodInfo, info fwk.NodeInfo) *fwk.Status {
	return p.change(cycle, pod, added, info, 1)
}

// RemovePod counts a pod out.
func (p *Plugin) RemovePod(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, removed fwk.PodInfo, info fwk.NodeInfo) *fwk.Status {
	return p.change(cycle, pod, removed, info, -1)
}

func (p *Plugin) change(cycle fwk.CycleState, pod *v1.Pod, other fwk.PodInfo, info fwk.NodeInfo, sign int32) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	s := data.(*state)
	if len(s.affinity) > 0 && s.matchesAll(other.GetPod()) {
		for i := range s.affinity {
			s.affinity[i].add(p, info, sign)
		}
	}
	for i := range s.antiAffinity {
		if s.antiAffinity[i].term.Matches(other.GetPod(), nil) {
			s.antiAffinity[i].add(p, info, sign)
		}
	}
	terms := other.GetRequiredAntiAffinityTerms()
	for i := range terms {
		if terms[i].Matches(pod, s.nsLabels) {
			s.addExisting(p, &terms[i], info, sign)
		}
	}
	return nil
}

func (t *ownTerm) add(p *Plugin, info fwk.NodeInfo, sign int32) {
	id := idOf(p.snapshot.Column(t.term.TopologyKey), info)
	if id == cache.NoValue {
		return
	}
	if t.delta == nil {
		t.delta = map[int32]int32{}
	}
	t.delta[id] += sign
}

func (s *state) addExisting(p *Plugin, term *fwk.AffinityTerm, info fwk.NodeInfo, sign int32) {
	column := p.snapshot.Column(term.TopologyKey)
	id := idOf(column, info)
	if id == cache.NoValue {
		return
	}
	for i := range s.existing {
		if s.existing[i].term.TopologyKey == term.TopologyKey && cache.TermKey(s.existing[i].term) == cache.TermKey(term) {
			if s.existing[i].delta == nil {
				s.existing[i].delta = map[int32]int32{}
			}
			s.existing[i].delta[id] += sign
			return
		}
	}
	s.existing = append(s.existing, existingTerm{term: term, column: column, delta: map[int32]int32{id: sign}})
}

func idOf(column *cache.Column, info fwk.NodeInfo) int32 {
	if own, ok := info.(*cache.NodeInfo); ok {
		return column.Of(own)
	}
	return cache.NoValue
}

// Filter compares counts.
func (p *Plugin) Filter(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	s := data.(*state)
	if !p.satisfiesAffinity(s, info) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonAffinity)
	}
	for i := range s.antiAffinity {
		term := &s.antiAffinity[i]
		if term.count(idOf(term.counter.Column(), info)) > 0 {
			return fwk.NewStatus(fwk.Unschedulable, ErrReasonAntiAffinity)
		}
	}
	for i := range s.existing {
		if s.existing[i].count(idOf(s.existing[i].column, info)) > 0 {
			return fwk.NewStatus(fwk.Unschedulable, ErrReasonExistingAntiAffinity)
		}
	}
	return nil
}

func (p *Plugin) satisfiesAffinity(s *state, info fwk.NodeInfo) bool {
	if len(s.affinity) == 0 {
		return true
	}
	satisfied := true
	for i := range s.affinity {
		term := &s.affinity[i]
		// Every topology key must be there, even for the first of its kind.
		if _, ok := info.Node().Labels[term.term.TopologyKey]; !ok {
			return false
		}
		if satisfied && term.count(idOf(term.columnOf(p), info)) <= 0 {
			satisfied = false
		}
	}
	// Nobody matches anywhere and the pod matches itself: somebody has to be first.
	return satisfied || (s.selfMatch && s.nobody())
}

func (t *ownTerm) columnOf(p *Plugin) *cache.Column {
	if t.counter != nil {
		return t.counter.Column()
	}
	return p.snapshot.Column(t.term.TopologyKey)
}

// nobody tells that no pod in any topology matches.
func (s *state) nobody() bool {
	for i := range s.affinity {
		term := &s.affinity[i]
		if term.counter != nil {
			for id, n := range term.counter.PerValue() {
				if n+term.delta[int32(id)] > 0 {
					return false
				}
			}
		}
		for id, n := range term.delta {
			if term.counter == nil && n > 0 || term.counter != nil && int(id) >= len(term.counter.PerValue()) && n > 0 {
				return false
			}
		}
	}
	return true
}
