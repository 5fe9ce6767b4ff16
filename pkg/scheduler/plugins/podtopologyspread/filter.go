package podtopologyspread

import (
	"context"
	"fmt"
	"maps"
	"math"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

const stateKey fwk.StateKey = Name

type state struct {
	parts   []part
	include inclusion
}

// part is one constraint with its counts per topology value. Delta is what AddPod and RemovePod changed since.
type part struct {
	constraint
	column  *cache.Column
	counts  []int32
	domain  []bool
	domains int
	lowest  int32
	delta   map[int32]int32
}

// Clone copies the deltas; counts do not change during a cycle.
func (s *state) Clone() fwk.StateData {
	out := &state{parts: make([]part, len(s.parts)), include: s.include}
	for i, one := range s.parts {
		one.delta = maps.Clone(one.delta)
		out.parts[i] = one
	}
	return out
}

// PreFilter counts.
func (p *Plugin) PreFilter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	constraints, err := p.constraints(pod, v1.DoNotSchedule)
	if err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("obtaining pod's hard topology spread constraints: %w", err))
	}
	if len(constraints) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	s := &state{include: inclusionFor(pod)}
	columns := make([]*cache.Column, len(constraints))
	for i := range constraints {
		columns[i] = p.snapshot.Column(constraints[i].key)
	}
	for i := range constraints {
		s.parts = append(s.parts, p.count(pod, &constraints[i], columns[i], columns, &s.include))
	}
	cycle.Write(stateKey, s)
	return nil, nil
}

// count adds up the pods on nodes that have all topology keys and that the constraint includes.
func (p *Plugin) count(pod *v1.Pod, c *constraint, column *cache.Column, all []*cache.Column, include *inclusion) part {
	out := part{constraint: *c, column: column, counts: make([]int32, column.Size()), domain: make([]bool, column.Size())}
	perNode := p.counter(pod, c).PerNode()
	ids, plain := column.IDs(), include.plain(c)
next:
	for slot, id := range ids {
		if id == cache.NoValue {
			continue
		}
		for _, other := range all {
			if other.ID(slot) == cache.NoValue {
				continue next
			}
		}
		if !plain && !include.counts(c, p.snapshot.At(slot).Node()) {
			continue
		}
		if !out.domain[id] {
			out.domain[id] = true
			out.domains++
		}
		out.counts[id] += perNode[slot]
	}
	out.lowest = math.MaxInt32
	for id, in := range out.domain {
		if in {
			out.lowest = min(out.lowest, out.counts[id])
		}
	}
	return out
}

// minimum is the count in the domain with the fewest pods.
func (t *part) minimum() int64 {
	if t.domains < t.minDomains || t.domains == 0 {
		return 0
	}
	lowest, again := t.lowest, false
	for id, delta := range t.delta {
		switch {
		case !t.domain[id]:
		case delta < 0:
			lowest = min(lowest, t.counts[id]+delta)
		case delta > 0 && t.counts[id] == t.lowest:
			again = true
		}
	}
	if again {
		lowest = math.MaxInt32
		for id, in := range t.domain {
			if in {
				lowest = min(lowest, t.counts[id]+t.delta[int32(id)])
			}
		}
	}
	return int64(lowest)
}

// Filter compares the node's domain with the emptiest one.
func (p *Plugin) Filter(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	s := data.(*state)
	for i := range s.parts {
		t := &s.parts[i]
		id := t.column.Of(info.(*cache.NodeInfo))
		if id == cache.NoValue {
			return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonLabel)
		}
		count := int64(t.delta[id])
		if int(id) < len(t.counts) && t.domain[id] {
			count += int64(t.counts[id])
		}
		if t.selectsItself {
			count++
		}
		if count-t.minimum() > t.maxSkew {
			return fwk.NewStatus(fwk.Unschedulable, ErrReasonSkew)
		}
	}
	return nil
}

// PreFilterExtensions keep the deltas.
func (p *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return p }

// AddPod counts a pod in.
func (p *Plugin) AddPod(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, added fwk.PodInfo, info fwk.NodeInfo) *fwk.Status {
	return change(cycle, pod, added.GetPod(), info, 1)
}

// RemovePod counts a pod out.
func (p *Plugin) RemovePod(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, removed fwk.PodInfo, info fwk.NodeInfo) *fwk.Status {
	return change(cycle, pod, removed.GetPod(), info, -1)
}

func change(cycle fwk.CycleState, pod, other *v1.Pod, info fwk.NodeInfo, sign int32) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	if other.Namespace != pod.Namespace || other.DeletionTimestamp != nil {
		return nil
	}
	s := data.(*state)
	for i := range s.parts {
		t := &s.parts[i]
		id := t.column.Of(info.(*cache.NodeInfo))
		if id == cache.NoValue || int(id) >= len(t.domain) || !t.domain[id] || !s.include.counts(&t.constraint, info.Node()) {
			continue
		}
		if !t.selector.Matches(labels.Set(other.Labels)) {
			continue
		}
		if t.delta == nil {
			t.delta = map[int32]int32{}
		}
		t.delta[id] += sign
	}
	return nil
}
