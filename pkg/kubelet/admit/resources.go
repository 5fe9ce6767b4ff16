package admit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// shortage is a resource of which there is too little. CPU is in thousandths, everything else in whole units.
type shortage struct {
	name                      v1.ResourceName
	requested, used, capacity int64
}

func (s shortage) reason() string { return "OutOf" + string(s.name) }

func (s shortage) message() string {
	return fmt.Sprintf("Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d", s.name, s.requested, s.used, s.capacity)
}

// missing is how much is lacking.
func (s shortage) missing() int64 { return s.requested + s.used - s.capacity }

// insufficient lists the resources that do not suffice, in a fixed order. Extended resources that the node does not know
// are left to the device room: a plugin may register them yet.
func insufficient(pod *v1.Pod, node *v1.Node, active []*v1.Pod) []shortage {
	var out []shortage
	if allowed, ok := node.Status.Allocatable[v1.ResourcePods]; ok && int64(len(active))+1 > allowed.Value() {
		out = append(out, shortage{v1.ResourcePods, 1, int64(len(active)), allowed.Value()})
	}
	requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
	names := make([]v1.ResourceName, 0, len(requests))
	for name := range requests {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b v1.ResourceName) int { return cmp.Or(rank(a)-rank(b), strings.Compare(string(a), string(b))) })
	var others []v1.ResourceList
	for _, name := range names {
		requested := amount(name, requests)
		if requested == 0 {
			continue
		}
		if _, known := node.Status.Allocatable[name]; !known && strings.Contains(string(name), "/") {
			continue
		}
		if others == nil {
			others = usedBy(active)
		}
		var used int64
		for _, list := range others {
			used += amount(name, list)
		}
		if capacity := amount(name, node.Status.Allocatable); requested+used > capacity {
			out = append(out, shortage{name, requested, used, capacity})
		}
	}
	return out
}

func rank(name v1.ResourceName) int {
	switch name {
	case v1.ResourceCPU:
		return 0
	case v1.ResourceMemory:
		return 1
	case v1.ResourceEphemeralStorage:
		return 2
	}
	return 3
}

func usedBy(pods []*v1.Pod) []v1.ResourceList {
	out := make([]v1.ResourceList, 0, len(pods))
	for _, pod := range pods {
		// A pod in resize uses the larger of what it has and what it asks for.
		out = append(out, resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true}))
	}
	return out
}

func amount(name v1.ResourceName, list v1.ResourceList) int64 {
	q, ok := list[name]
	if !ok {
		return 0
	}
	if name == v1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}

// CheckResize tells whether the node can give a running pod what its spec asks for: not at all (Infeasible), not now (Deferred), or
// yes (no reason). active are the other pods.
func CheckResize(pod *v1.Pod, node *v1.Node, active []*v1.Pod) (reason, message string) {
	requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
	for _, name := range []v1.ResourceName{v1.ResourceCPU, v1.ResourceMemory} {
		if requested, capacity := amount(name, requests), amount(name, node.Status.Allocatable); requested > capacity {
			return v1.PodReasonInfeasible, fmt.Sprintf("Node didn't have enough capacity: %s, requested: %d, capacity: %d", name, requested, capacity)
		}
	}
	for _, s := range insufficient(pod, node, active) {
		if s.name == v1.ResourceCPU || s.name == v1.ResourceMemory {
			return v1.PodReasonDeferred, s.message()
		}
	}
	return "", ""
}
