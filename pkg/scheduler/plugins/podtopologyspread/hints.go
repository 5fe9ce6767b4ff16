package podtopologyspread

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// EventsToRegister asks for pods the constraints count, and for nodes that make or change domains.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Add | fwk.Delete | fwk.UpdatePodLabel}, QueueingHintFn: p.afterPod},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.Delete | fwk.UpdateNodeLabel | fwk.UpdateNodeTaint}, QueueingHintFn: p.afterNode},
	}, nil
}

func (p *Plugin) afterPod(_ klog.Logger, pod *v1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, _ := old.(*v1.Pod)
	after, _ := new.(*v1.Pod)
	if before == nil && after == nil {
		return fwk.Queue, fmt.Errorf("expected pods, got %T and %T", old, new)
	}
	if after != nil && after.UID == pod.UID {
		return fwk.Queue, nil
	}
	constraints, err := p.constraints(pod, v1.DoNotSchedule)
	if err != nil {
		return fwk.Queue, err
	}
	for i := range constraints {
		if selects(&constraints[i], pod, before) != selects(&constraints[i], pod, after) {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}

func selects(c *constraint, pod, other *v1.Pod) bool {
	return other != nil && other.Namespace == pod.Namespace && c.selector.Matches(labels.Set(other.Labels))
}

func (p *Plugin) afterNode(_ klog.Logger, pod *v1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, _ := old.(*v1.Node)
	after, _ := new.(*v1.Node)
	constraints, err := p.constraints(pod, v1.DoNotSchedule)
	if err != nil {
		return fwk.Queue, err
	}
	has := func(node *v1.Node) bool {
		if node == nil {
			return false
		}
		for i := range constraints {
			if _, ok := node.Labels[constraints[i].key]; !ok {
				return false
			}
		}
		return true
	}
	if has(before) != has(after) {
		return fwk.Queue, nil
	}
	if !has(after) {
		return fwk.QueueSkip, nil
	}
	for i := range constraints {
		if before.Labels[constraints[i].key] != after.Labels[constraints[i].key] {
			return fwk.Queue, nil
		}
	}
	include := inclusionFor(pod)
	for i := range constraints {
		if include.counts(&constraints[i], before) != include.counts(&constraints[i], after) {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}
