package queue

import (
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// Nominator remembers which pending pod has been promised which node. It is the authority on nominations inside the
// process; status.nominatedNodeName follows it.
type Nominator struct {
	mu     sync.RWMutex
	byNode map[string][]fwk.PodInfo
	nodeOf map[types.UID]string
	// gone tells that a pod no longer waits, so that a late nomination of it is not taken.
	gone func(uid types.UID) bool
}

var _ fwk.PodNominator = &Nominator{}

// NewNominator makes an empty one.
func NewNominator() *Nominator {
	return &Nominator{byNode: map[string][]fwk.PodInfo{}, nodeOf: map[types.UID]string{}}
}

// SetGone tells how to find out that a pod has a node or is deleted.
func (n *Nominator) SetGone(gone func(uid types.UID) bool) { n.gone = gone }

// AddNominatedPod promises the pod the node of info, or with ModeNoop the one in its status.
func (n *Nominator) AddNominatedPod(_ klog.Logger, pod fwk.PodInfo, info *fwk.NominatingInfo) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.add(pod, info)
}

func (n *Nominator) add(pod fwk.PodInfo, info *fwk.NominatingInfo) {
	n.remove(pod.GetPod().UID)
	node := pod.GetPod().Status.NominatedNodeName
	if info.Mode() == fwk.ModeOverride {
		node = info.NominatedNodeName
	}
	if node == "" || (n.gone != nil && n.gone(pod.GetPod().UID)) {
		return
	}
	n.nodeOf[pod.GetPod().UID] = node
	n.byNode[node] = append(n.byNode[node], pod)
}

// DeleteNominatedPodIfExists takes the promise back.
func (n *Nominator) DeleteNominatedPodIfExists(pod *v1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.remove(pod.UID)
}

func (n *Nominator) remove(uid types.UID) {
	node, ok := n.nodeOf[uid]
	if !ok {
		return
	}
	delete(n.nodeOf, uid)
	list := n.byNode[node]
	// The slice may have been handed out: build a new one.
	kept := make([]fwk.PodInfo, 0, len(list))
	for _, pod := range list {
		if pod.GetPod().UID != uid {
			kept = append(kept, pod)
		}
	}
	if len(kept) == 0 {
		delete(n.byNode, node)
		return
	}
	n.byNode[node] = kept
}

// UpdateNominatedPod puts the newer pod in place. When neither version's status names a node the promise in memory is
// kept: the update was made before our own write of the status came back.
func (n *Nominator) UpdateNominatedPod(_ klog.Logger, old *v1.Pod, pod fwk.PodInfo) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var info *fwk.NominatingInfo
	if old != nil && old.Status.NominatedNodeName == "" && pod.GetPod().Status.NominatedNodeName == "" {
		if node, ok := n.nodeOf[old.UID]; ok {
			info = &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: node}
		}
	}
	n.add(pod, info)
}

// NominatedPodsForNode returns the pods promised the node; treat as read-only.
func (n *Nominator) NominatedPodsForNode(node string) []fwk.PodInfo {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.byNode[node]
}

// Nodes returns the nodes that are promised to anybody, nil being the usual case.
func (n *Nominator) Nodes() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if len(n.byNode) == 0 {
		return nil
	}
	out := make([]string, 0, len(n.byNode))
	for node := range n.byNode {
		out = append(out, node)
	}
	return out
}

// NodeOf returns the node promised to a pod, or "".
func (n *Nominator) NodeOf(uid types.UID) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.nodeOf[uid]
}

var _ fwk.PodInfo = &cache.PodInfo{}
