package interpodaffinity

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// EventsToRegister asks for pods that come, go or change labels, and for nodes with the right topology.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Add | fwk.Delete | fwk.UpdatePodLabel}, QueueingHintFn: p.afterPod},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel}, QueueingHintFn: p.afterNode},
	}, nil
}

func (p *Plugin) afterPod(_ klog.Logger, pod *v1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, _ := old.(*v1.Pod)
	after, _ := new.(*v1.Pod)
	if before == nil && after == nil {
		return fwk.Queue, fmt.Errorf("expected pods, got %T and %T", old, new)
	}
	if after != nil && after.UID == pod.UID {
		// The waiting pod's own labels changed: terms of others may let go of it, its own may select itself.
		return fwk.Queue, nil
	}
	info, err := cache.NewPodInfo(pod)
	if err != nil {
		return fwk.Queue, err
	}
	affinity, err := p.resolveAll(info.GetRequiredAffinityTerms())
	if err != nil {
		return fwk.Queue, err
	}
	anti, err := p.resolveAll(info.GetRequiredAntiAffinityTerms())
	if err != nil {
		return fwk.Queue, err
	}
	// Somebody the pod wants near appeared.
	if after != nil && matchesEvery(affinity, after) && (before == nil || !matchesEvery(affinity, before)) {
		return fwk.Queue, nil
	}
	if before == nil {
		return fwk.QueueSkip, nil
	}
	// Somebody the pod keeps away from, or who keeps away from the pod, went. The last of those it wants near going lets the
	// pod be first of its kind.
	if matchesAny(anti, before) && (after == nil || !matchesAny(anti, after)) {
		return fwk.Queue, nil
	}
	if matchesEvery(affinity, before) && (after == nil || !matchesEvery(affinity, after)) {
		return fwk.Queue, nil
	}
	if after == nil {
		gone, err := cache.NewPodInfo(before)
		if err != nil {
			return fwk.Queue, err
		}
		nsLabels := p.labelsOf(pod.Namespace)
		for _, term := range gone.GetRequiredAntiAffinityTerms() {
			if term.Matches(pod, nsLabels) {
				return fwk.Queue, nil
			}
		}
	}
	return fwk.QueueSkip, nil
}

func (p *Plugin) afterNode(_ klog.Logger, pod *v1.Pod, old, new any) (fwk.QueueingHint, error) {
	after, ok := new.(*v1.Node)
	if !ok {
		return fwk.Queue, fmt.Errorf("expected a node, got %T", new)
	}
	before, _ := old.(*v1.Node)
	info, err := cache.NewPodInfo(pod)
	if err != nil {
		return fwk.Queue, err
	}
	terms := info.GetRequiredAffinityTerms()
	for i := range terms {
		if _, ok := after.Labels[terms[i].TopologyKey]; !ok {
			return fwk.QueueSkip, nil
		}
	}
	if before == nil {
		return fwk.Queue, nil
	}
	changed := func(terms []fwk.AffinityTerm) bool {
		for i := range terms {
			if before.Labels[terms[i].TopologyKey] != after.Labels[terms[i].TopologyKey] {
				return true
			}
		}
		return false
	}
	if changed(terms) || changed(info.GetRequiredAntiAffinityTerms()) {
		return fwk.Queue, nil
	}
	// Terms of running pods may be about any key.
	if len(terms) == 0 && len(info.GetRequiredAntiAffinityTerms()) == 0 {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}

func (p *Plugin) resolveAll(terms []fwk.AffinityTerm) ([]fwk.AffinityTerm, error) {
	out := make([]fwk.AffinityTerm, 0, len(terms))
	for _, term := range terms {
		resolved, err := p.resolve(term)
		if err != nil {
			return nil, err
		}
		out = append(out, resolved)
	}
	return out, nil
}

func matchesEvery(terms []fwk.AffinityTerm, pod *v1.Pod) bool {
	for i := range terms {
		if !terms[i].Matches(pod, nil) {
			return false
		}
	}
	return len(terms) > 0
}

func matchesAny(terms []fwk.AffinityTerm, pod *v1.Pod) bool {
	for i := range terms {
		if terms[i].Matches(pod, nil) {
			return true
		}
	}
	return false
}
