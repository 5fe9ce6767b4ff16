package cache

import (
	fwk "k8s.io/kube-scheduler/framework"
)

// TermKind is one of the four lists of affinity terms of a pod.
type TermKind int8

const (
	RequiredAffinity TermKind = iota
	RequiredAntiAffinity
	PreferredAffinity
	PreferredAntiAffinity
)

// podTerm is one term of one pod.
type podTerm struct {
	key    string
	kind   TermKind
	term   *fwk.AffinityTerm
	weight int32
}

// TermGroup stands for all equal terms of all pods with a node: the thousand replicas of a deployment make one group, so
// whether a pod matches their terms is asked once.
type TermGroup struct {
	Kind   TermKind
	Term   *fwk.AffinityTerm
	Weight int32
	Column *Column
	// PerValue is the number of such terms by value id of the term's topology key; do not change.
	PerValue []int32

	total int
}

// Terms groups the affinity terms carried by the pods of a snapshot.
type Terms struct {
	groups   map[string]*TermGroup
	byKind   [4]map[string]*TermGroup
	onNode   [][]placedTerm
	position int64
}

type placedTerm struct {
	key   string
	value int32
}

// Terms returns the groups, up to date.
func (s *Snapshot) Terms() *Terms {
	if s.terms == nil {
		s.terms = newTerms(s)
	} else if changed, ok := s.ChangedSince(s.terms.position); !ok {
		s.terms = newTerms(s)
	} else {
		for _, slot := range changed {
			s.terms.update(s, int(slot))
		}
		s.terms.position = s.Position()
	}
	// Plugins ask the columns of groups for any node, also for those whose terms did not change.
	for _, group := range s.terms.groups {
		group.Column = s.Column(group.Term.TopologyKey)
	}
	return s.terms
}

func newTerms(s *Snapshot) *Terms {
	t := &Terms{groups: map[string]*TermGroup{}, onNode: make([][]placedTerm, len(s.infos)), position: s.Position()}
	for kind := range t.byKind {
		t.byKind[kind] = map[string]*TermGroup{}
	}
	for slot, info := range s.infos {
		if len(info.withAffinity) > 0 {
			t.update(s, slot)
		}
	}
	return t
}

// update takes back what the slot gave before and adds what it gives now. The value is remembered with the term, so a
// node whose label changed is handled like any other change.
func (t *Terms) update(s *Snapshot, slot int) {
	info := s.infos[slot]
	if len(t.onNode[slot]) == 0 && len(info.withAffinity) == 0 {
		return
	}
	for _, placed := range t.onNode[slot] {
		group := t.groups[placed.key]
		if placed.value != NoValue {
			group.PerValue[placed.value]--
		}
		group.total--
	}
	before := t.onNode[slot]
	after := make([]placedTerm, 0, len(before))
	for _, pod := range info.withAffinity {
		known, ok := pod.(*PodInfo)
		if !ok {
			continue
		}
		for i := range known.terms {
			after = append(after, t.place(s, slot, &known.terms[i]))
		}
	}
	t.onNode[slot] = after
	for _, placed := range before {
		if group, ok := t.groups[placed.key]; ok && group.total == 0 {
			delete(t.groups, placed.key)
			delete(t.byKind[group.Kind], placed.key)
		}
	}
}

func (t *Terms) place(s *Snapshot, slot int, term *podTerm) placedTerm {
	group, ok := t.groups[term.key]
	if !ok {
		group = &TermGroup{Kind: term.kind, Term: term.term, Weight: term.weight}
		t.groups[term.key] = group
		t.byKind[term.kind][term.key] = group
	}
	group.Column = s.Column(term.term.TopologyKey)
	for len(group.PerValue) < group.Column.Size() {
		group.PerValue = append(group.PerValue, 0)
	}
	id := group.Column.ids[slot]
	if id != NoValue {
		group.PerValue[id]++
	}
	group.total++
	return placedTerm{key: term.key, value: id}
}

// Groups returns the groups of one kind by key.
func (t *Terms) Groups(kind TermKind) map[string]*TermGroup { return t.byKind[kind] }

// Count is the value's share of a group, tolerating ids newer than the group.
func (g *TermGroup) Count(id int32) int32 {
	if id == NoValue || int(id) >= len(g.PerValue) {
		return 0
	}
	return g.PerValue[id]
}
