package interpodaffinity

import (
	"context"
	"fmt"
	"math"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

const scoreKey fwk.StateKey = "PreScore" + Name

// scoreState sums weights per topology key and value.
type scoreState struct{ parts []scorePart }

type scorePart struct {
	column  *cache.Column
	weights []int64
}

func (s *scoreState) Clone() fwk.StateData { return s }

func (s *scoreState) part(column *cache.Column) []int64 {
	for i := range s.parts {
		if s.parts[i].column == column {
			return s.parts[i].weights
		}
	}
	weights := make([]int64, column.Size())
	s.parts = append(s.parts, scorePart{column, weights})
	return weights
}

func (s *scoreState) addCounts(column *cache.Column, counts []int32, weight int64) {
	weights := s.part(column)
	for id, n := range counts {
		if n != 0 && id < len(weights) {
			weights[id] += weight * int64(n)
		}
	}
}

// PreScore sums up what the pod's own preferred terms, and those of running pods, think of each topology value.
func (p *Plugin) PreScore(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	affinity := pod.Spec.Affinity
	hasOwn := affinity != nil && ((affinity.PodAffinity != nil && len(affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0) ||
		(affinity.PodAntiAffinity != nil && len(affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0))
	if len(nodes) == 0 || (p.ignorePreferred && !hasOwn) {
		return fwk.NewStatus(fwk.Skip)
	}
	s := &scoreState{}
	if hasOwn {
		info, err := cache.NewPodInfo(pod)
		if err != nil {
			return fwk.AsStatus(fmt.Errorf("parsing pod: %w", err))
		}
		if err := p.addOwn(s, info.GetPreferredAffinityTerms(), 1); err != nil {
			return fwk.AsStatus(err)
		}
		if err := p.addOwn(s, info.GetPreferredAntiAffinityTerms(), -1); err != nil {
			return fwk.AsStatus(err)
		}
	}
	p.addExisting(s, pod)
	if len(s.parts) == 0 {
		return fwk.NewStatus(fwk.Skip)
	}
	cycle.Write(scoreKey, s)
	return nil
}

func (p *Plugin) addOwn(s *scoreState, terms []fwk.WeightedAffinityTerm, sign int64) error {
	for i := range terms {
		resolved, err := p.resolve(terms[i].AffinityTerm)
		if err != nil {
			return err
		}
		counter := p.counter(&resolved)
		if counter.Total() > 0 {
			s.addCounts(counter.Column(), counter.PerValue(), sign*int64(terms[i].Weight))
		}
	}
	return nil
}

// addExisting asks the groups of terms of running pods. Required affinity of running pods counts with the configured
// weight: they would like the incoming pod near.
func (p *Plugin) addExisting(s *scoreState, pod *v1.Pod) {
	terms := p.snapshot.Terms()
	add := func(kind cache.TermKind, weight func(*cache.TermGroup) int64) {
		groups := terms.Groups(kind)
		if len(groups) == 0 {
			return
		}
		nsLabels := p.labelsOf(pod.Namespace)
		for _, group := range groups {
			if group.Term.Matches(pod, nsLabels) {
				s.addCounts(group.Column, group.PerValue, weight(group))
			}
		}
	}
	if p.hardWeight > 0 {
		add(cache.RequiredAffinity, func(*cache.TermGroup) int64 { return p.hardWeight })
	}
	if !p.ignorePreferred {
		add(cache.PreferredAffinity, func(g *cache.TermGroup) int64 { return int64(g.Weight) })
		add(cache.PreferredAntiAffinity, func(g *cache.TermGroup) int64 { return -int64(g.Weight) })
	}
}

// Score adds up the weights of the node's topology values.
func (p *Plugin) Score(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	data, err := cycle.Read(scoreKey)
	if err != nil {
		return 0, fwk.AsStatus(fmt.Errorf("reading %s: %w", scoreKey, err))
	}
	s := data.(*scoreState)
	sum := int64(0)
	for i := range s.parts {
		if id := idOf(s.parts[i].column, info); id != cache.NoValue && int(id) < len(s.parts[i].weights) {
			sum += s.parts[i].weights[id]
		}
	}
	return sum, nil
}

// NormalizeScore stretches the range between worst and best over the whole scale.
func (p *Plugin) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	lowest, highest := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range scores {
		lowest, highest = min(lowest, scores[i].Score), max(highest, scores[i].Score)
	}
	for i := range scores {
		if highest == lowest {
			scores[i].Score = 0
			continue
		}
		scores[i].Score = int64(float64(fwk.MaxNodeScore) * (float64(scores[i].Score-lowest) / float64(highest-lowest)))
	}
	return nil
}
