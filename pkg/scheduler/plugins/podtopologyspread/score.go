package podtopologyspread

import (
	"context"
	"fmt"
	"math"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

const scoreKey fwk.StateKey = "PreScore" + Name

type scoreState struct {
	parts []scorePart
	// left are slots of nodes that lack a topology key; they score nothing.
	left map[int]bool
}

type scorePart struct {
	constraint
	column *cache.Column
	weight float64
	// counts by value id; nil for the host name, which is counted by node.
	counts  []int64
	perNode []int32
}

func (s *scoreState) Clone() fwk.StateData { return s }

// PreScore counts pods in the domains of the nodes that fit.
func (p *Plugin) PreScore(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	constraints, err := p.constraints(pod, v1.ScheduleAnyway)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("obtaining pod's soft topology spread constraints: %w", err))
	}
	if len(constraints) == 0 || len(nodes) == 0 {
		return fwk.NewStatus(fwk.Skip)
	}
	// Constraints nobody asked for must not put off nodes without zones.
	needAll := len(pod.Spec.TopologySpreadConstraints) > 0 || !p.system
	columns := make([]*cache.Column, len(constraints))
	for i := range constraints {
		columns[i] = p.snapshot.Column(constraints[i].key)
	}
	s := &scoreState{left: map[int]bool{}}
	for _, node := range nodes {
		if slot := node.(*cache.NodeInfo).Slot; needAll && !hasAll(columns, slot) {
			s.left[slot] = true
		}
	}
	include := inclusionFor(pod)
	for i := range constraints {
		s.parts = append(s.parts, p.countSoft(pod, &constraints[i], columns[i], columns, needAll, &include, nodes, s.left))
	}
	cycle.Write(scoreKey, s)
	return nil
}

func hasAll(columns []*cache.Column, slot int) bool {
	for _, column := range columns {
		if column.ID(slot) == cache.NoValue {
			return false
		}
	}
	return true
}

func (p *Plugin) countSoft(pod *v1.Pod, c *constraint, column *cache.Column, all []*cache.Column, needAll bool, include *inclusion, nodes []fwk.NodeInfo, left map[int]bool) scorePart {
	out := scorePart{constraint: *c, column: column, perNode: p.counter(pod, c).PerNode()}
	if c.key == v1.LabelHostname {
		out.weight = domainWeight(len(nodes) - len(left))
		return out
	}
	wanted := make([]bool, column.Size())
	domains := 0
	for _, node := range nodes {
		slot := node.(*cache.NodeInfo).Slot
		if id := column.ID(slot); id != cache.NoValue && !left[slot] && !wanted[id] {
			wanted[id] = true
			domains++
		}
	}
	out.weight = domainWeight(domains)
	out.counts = make([]int64, column.Size())
	plain := include.plain(c)
	for slot, id := range column.IDs() {
		if id == cache.NoValue || !wanted[id] || out.perNode[slot] == 0 || (needAll && !hasAll(all, slot)) {
			continue
		}
		if plain || include.counts(c, p.snapshot.At(slot).Node()) {
			out.counts[id] += int64(out.perNode[slot])
		}
	}
	return out
}

// domainWeight gives topologies with many domains more say, because their counts are small.
func domainWeight(domains int) float64 { return math.Log(float64(domains + 2)) }

// Score is the weighted number of matching pods in the node's domains: high is crowded.
func (p *Plugin) Score(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	data, err := cycle.Read(scoreKey)
	if err != nil {
		return 0, fwk.AsStatus(fmt.Errorf("reading %s: %w", scoreKey, err))
	}
	s := data.(*scoreState)
	slot := info.(*cache.NodeInfo).Slot
	if s.left[slot] {
		return 0, nil
	}
	sum := 0.0
	for i := range s.parts {
		t := &s.parts[i]
		id := t.column.ID(slot)
		if id == cache.NoValue {
			continue
		}
		count := int64(t.perNode[slot])
		if t.counts != nil {
			count = t.counts[id]
		}
		sum += float64(count)*t.weight + float64(t.maxSkew-1)
	}
	return int64(math.Round(sum)), nil
}

// NormalizeScore makes the emptiest the best. Nodes left out stay at nothing.
func (p *Plugin) NormalizeScore(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	data, err := cycle.Read(scoreKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", scoreKey, err))
	}
	s := data.(*scoreState)
	leftOut := func(name string) bool {
		if len(s.left) == 0 {
			return false
		}
		slot, ok := p.snapshot.SlotOf(name)
		return ok && s.left[slot]
	}
	lowest, highest := int64(math.MaxInt64), int64(0)
	for i := range scores {
		if !leftOut(scores[i].Name) {
			lowest, highest = min(lowest, scores[i].Score), max(highest, scores[i].Score)
		}
	}
	for i := range scores {
		switch {
		case leftOut(scores[i].Name):
			scores[i].Score = 0
		case highest == 0:
			scores[i].Score = fwk.MaxNodeScore
		default:
			scores[i].Score = fwk.MaxNodeScore * (highest + lowest - scores[i].Score) / highest
		}
	}
	return nil
}
