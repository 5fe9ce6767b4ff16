package queue

import "container/heap"

// place tells which part of the queue a pod is in.
type place int8

const (
	nowhere place = iota
	inActive
	inBackoff
	inErrorBackoff
	inUnschedulable
	inGated
	inFlight
)

// String is the value of the "queue" label of metrics.
func (p place) String() string {
	switch p {
	case inActive:
		return "active"
	case inBackoff, inErrorBackoff:
		return "backoff"
	case inUnschedulable:
		return "unschedulable"
	case inGated:
		return "gated"
	}
	return ""
}

// podHeap orders pods by less; each pod remembers its index so that it can be taken out from the middle.
type podHeap struct {
	pods []*PodInfo
	less func(a, b *PodInfo) bool
}

func (h *podHeap) Len() int           { return len(h.pods) }
func (h *podHeap) Less(i, j int) bool { return h.less(h.pods[i], h.pods[j]) }
func (h *podHeap) Swap(i, j int) {
	h.pods[i], h.pods[j] = h.pods[j], h.pods[i]
	h.pods[i].index, h.pods[j].index = i, j
}
func (h *podHeap) Push(x any) {
	pod := x.(*PodInfo)
	pod.index = len(h.pods)
	h.pods = append(h.pods, pod)
}
func (h *podHeap) Pop() any {
	last := len(h.pods) - 1
	pod := h.pods[last]
	h.pods[last] = nil
	h.pods = h.pods[:last]
	return pod
}

func (h *podHeap) add(pod *PodInfo)    { heap.Push(h, pod) }
func (h *podHeap) remove(pod *PodInfo) { heap.Remove(h, pod.index) }
func (h *podHeap) fix(pod *PodInfo)    { heap.Fix(h, pod.index) }
func (h *podHeap) pop() *PodInfo       { return heap.Pop(h).(*PodInfo) }
func (h *podHeap) peek() *PodInfo {
	if len(h.pods) == 0 {
		return nil
	}
	return h.pods[0]
}
