package plan

import (
	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

// StopOrder groups the pod's running containers by when they are stopped: everything but sidecars together first,
// then the sidecars one by one in reverse order of their start. The pod may be nil (an orphan): then all go together.
func StopOrder(pod *v1.Pod, observed *observe.Pod) [][]*observe.Container {
	sidecar := map[string]int{}
	if pod != nil {
		for i := range pod.Spec.InitContainers {
			if c := &pod.Spec.InitContainers[i]; IsSidecar(c) {
				sidecar[c.Name] = i
			}
		}
	}
	var first []*observe.Container
	later := make([][]*observe.Container, 0, len(sidecar))
	if pod != nil {
		later = make([][]*observe.Container, len(pod.Spec.InitContainers))
	}
	for _, c := range observed.Containers {
		if !c.Running() {
			continue
		}
		if i, ok := sidecar[c.Name]; ok {
			later[i] = append(later[i], c)
			continue
		}
		first = append(first, c)
	}
	var order [][]*observe.Container
	if len(first) > 0 {
		order = append(order, first)
	}
	for i := len(later) - 1; i >= 0; i-- {
		if len(later[i]) > 0 {
			order = append(order, later[i])
		}
	}
	return order
}
