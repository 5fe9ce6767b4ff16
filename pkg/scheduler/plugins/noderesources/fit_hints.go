package noderesources

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// EventsToRegister asks for room: pods that go or shrink, nodes that come or grow.
func (f *Fit) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete | fwk.UpdatePodScaleDown}, QueueingHintFn: f.afterPod},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAllocatable}, QueueingHintFn: f.afterNode},
	}, nil
}

// afterPod tells whether what a pod freed is of a kind the waiting pod needs.
func (f *Fit) afterPod(_ klog.Logger, pod *v1.Pod, old, new any) (fwk.QueueingHint, error) {
	before, ok := old.(*v1.Pod)
	if !ok {
		return fwk.Queue, fmt.Errorf("expected a pod, got %T", old)
	}
	after, _ := new.(*v1.Pod)
	if after == nil {
		// A deleted pod frees at least its place.
		if before.Spec.NodeName == "" {
			return fwk.QueueSkip, nil
		}
		return fwk.Queue, nil
	}
	if after.UID == pod.UID {
		return fwk.Queue, nil
	}
	if after.Spec.NodeName == "" {
		return fwk.QueueSkip, nil
	}
	need, was, is := requestOf(pod), requestOf(before), requestOf(after)
	if (need.MilliCPU > 0 && is.MilliCPU < was.MilliCPU) || (need.Memory > 0 && is.Memory < was.Memory) ||
		(need.EphemeralStorage > 0 && is.EphemeralStorage < was.EphemeralStorage) {
		return fwk.Queue, nil
	}
	for name, value := range was.Scalars {
		if need.Scalars[name] > 0 && is.Scalars[name] < value {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}

// afterNode tells whether the pod would fit the node if it were empty, and whether the node grew in what the pod needs.
func (f *Fit) afterNode(_ klog.Logger, pod *v1.Pod, old, new any) (fwk.QueueingHint, error) {
	after, ok := new.(*v1.Node)
	if !ok {
		return fwk.Queue, fmt.Errorf("expected a node, got %T", new)
	}
	need := f.withClaimed(requestOf(pod))
	empty := cache.NewNodeInfo()
	empty.SetNode(after)
	fits := true
	f.lacking(need, empty, func(string, bool) { fits = false })
	if !fits {
		return fwk.QueueSkip, nil
	}
	before, _ := old.(*v1.Node)
	if before == nil {
		return fwk.Queue, nil
	}
	was, is := cache.NewResource(before.Status.Allocatable), cache.NewResource(after.Status.Allocatable)
	if is.AllowedPodNumber > was.AllowedPodNumber || (need.MilliCPU > 0 && is.MilliCPU > was.MilliCPU) ||
		(need.Memory > 0 && is.Memory > was.Memory) || (need.EphemeralStorage > 0 && is.EphemeralStorage > was.EphemeralStorage) {
		return fwk.Queue, nil
	}
	for name := range need.Scalars {
		if is.Scalars[name] > was.Scalars[name] {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}
