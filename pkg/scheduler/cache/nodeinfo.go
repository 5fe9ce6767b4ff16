package cache

import (
	"fmt"
	"slices"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
	"k8s.io/component-helpers/storage/ephemeral"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// NoSlot is the slot of a NodeInfo that no snapshot numbers.
const NoSlot = -1

// generation counts changes of all nodes of the process; a larger number is a later state.
var generation atomic.Int64

// NodeInfo is a node with the sums over its pods that plugins ask for.
type NodeInfo struct {
	node *v1.Node
	// Slot is the node's number in the snapshot it came from, NoSlot elsewhere.
	Slot int

	pods             []fwk.PodInfo
	withAffinity     []fwk.PodInfo
	withAntiAffinity []fwk.PodInfo

	usedPorts   fwk.HostPortInfo
	requested   Resource
	nonZero     Resource
	allocatable Resource
	images      map[string]*fwk.ImageStateSummary
	pvcRefs     map[string]int
	declared    ndf.FeatureSet
	generation  int64
	features    *ndf.FeatureMapper
}

var _ fwk.NodeInfo = &NodeInfo{}

// NewNodeInfo makes a node-less NodeInfo holding the given pods.
func NewNodeInfo(pods ...*v1.Pod) *NodeInfo {
	n := &NodeInfo{Slot: NoSlot, generation: generation.Add(1)}
	for _, pod := range pods {
		info, _ := NewPodInfo(pod) // terms that do not parse are left out, as the API would have rejected them
		n.AddPodInfo(info)
	}
	return n
}

func (n *NodeInfo) Node() *v1.Node                                 { return n.node }
func (n *NodeInfo) GetPods() []fwk.PodInfo                         { return n.pods }
func (n *NodeInfo) GetPodsWithAffinity() []fwk.PodInfo             { return n.withAffinity }
func (n *NodeInfo) GetPodsWithRequiredAntiAffinity() []fwk.PodInfo { return n.withAntiAffinity }
func (n *NodeInfo) GetUsedPorts() fwk.HostPortInfo                 { return n.usedPorts }
func (n *NodeInfo) GetRequested() fwk.Resource                     { return &n.requested }
func (n *NodeInfo) GetNonZeroRequested() fwk.Resource              { return &n.nonZero }
func (n *NodeInfo) GetAllocatable() fwk.Resource                   { return &n.allocatable }
func (n *NodeInfo) GetImageStates() map[string]*fwk.ImageStateSummary {
	return n.images
}
func (n *NodeInfo) GetPVCRefCounts() map[string]int         { return n.pvcRefs }
func (n *NodeInfo) GetGeneration() int64                    { return n.generation }
func (n *NodeInfo) GetNodeDeclaredFeatures() ndf.FeatureSet { return n.declared }

// GetNodeAllocatableDRAClaimState is empty: the feature behind it (DRANodeAllocatableResources) is alpha and off.
func (n *NodeInfo) GetNodeAllocatableDRAClaimState() map[types.NamespacedName]*fwk.NodeAllocatableDRAClaimState {
	return nil
}

func (n *NodeInfo) String() string {
	name := "<none>"
	if n.node != nil {
		name = n.node.Name
	}
	return fmt.Sprintf("node %s: %d pods, requested %+v, allocatable %+v", name, len(n.pods), n.requested, n.allocatable)
}

// Snapshot returns a copy that may be changed: slices and maps of its own, pods and image summaries shared.
func (n *NodeInfo) Snapshot() fwk.NodeInfo { return n.clone() }

func (n *NodeInfo) clone() *NodeInfo {
	out := *n
	out.pods = slices.Clone(n.pods)
	out.withAffinity = slices.Clone(n.withAffinity)
	out.withAntiAffinity = slices.Clone(n.withAntiAffinity)
	out.requested = n.requested.clone()
	out.nonZero = n.nonZero.clone()
	if n.usedPorts != nil {
		out.usedPorts = make(fwk.HostPortInfo, len(n.usedPorts))
		for ip, ports := range n.usedPorts {
			copied := make(map[fwk.ProtocolPort]struct{}, len(ports))
			for port := range ports {
				copied[port] = struct{}{}
			}
			out.usedPorts[ip] = copied
		}
	}
	if n.pvcRefs != nil {
		out.pvcRefs = make(map[string]int, len(n.pvcRefs))
		for key, count := range n.pvcRefs {
			out.pvcRefs[key] = count
		}
	}
	return &out
}

// SetNode replaces the node object and what is derived from it. Image states are the cache's business.
func (n *NodeInfo) SetNode(node *v1.Node) {
	n.node = node
	n.allocatable = *NewResource(node.Status.Allocatable)
	if n.features != nil {
		n.declared = n.features.TryMap(node.Status.DeclaredFeatures)
	}
	n.touch()
}

// SetFeatureMapper tells how declared features are numbered; it takes effect with the next SetNode.
func (n *NodeInfo) SetFeatureMapper(mapper *ndf.FeatureMapper) { n.features = mapper }

// SetImageStates replaces the map of image name to summary.
func (n *NodeInfo) SetImageStates(images map[string]*fwk.ImageStateSummary) {
	n.images = images
	n.touch()
}

func (n *NodeInfo) removeNode() {
	n.node = nil
	n.touch()
}

func (n *NodeInfo) touch() { n.generation = generation.Add(1) }

// AddPodInfo adds a pod and its share of every sum.
func (n *NodeInfo) AddPodInfo(pod fwk.PodInfo) {
	n.pods = append(n.pods, pod)
	if hasAffinity(pod) {
		n.withAffinity = append(n.withAffinity, pod)
	}
	if len(pod.GetRequiredAntiAffinityTerms()) > 0 {
		n.withAntiAffinity = append(n.withAntiAffinity, pod)
	}
	n.account(pod, 1)
}

// AddPod adds a pod that has no PodInfo yet.
func (n *NodeInfo) AddPod(pod *v1.Pod) {
	info, _ := NewPodInfo(pod)
	n.AddPodInfo(info)
}

// RemovePod takes the pod with the same UID away again.
func (n *NodeInfo) RemovePod(_ klog.Logger, pod *v1.Pod) error {
	i := indexOf(n.pods, pod)
	if i < 0 {
		return fmt.Errorf("no pod %s/%s (%s) on %s", pod.Namespace, pod.Name, pod.UID, n)
	}
	info := n.pods[i]
	n.pods = removeAt(n.pods, i)
	if j := indexOf(n.withAffinity, pod); j >= 0 {
		n.withAffinity = removeAt(n.withAffinity, j)
	}
	if j := indexOf(n.withAntiAffinity, pod); j >= 0 {
		n.withAntiAffinity = removeAt(n.withAntiAffinity, j)
	}
	n.account(info, -1)
	return nil
}

// replacePod puts a newer object of the same pod in place when sums stay as they are.
func (n *NodeInfo) replacePod(info *PodInfo) {
	for _, list := range [][]fwk.PodInfo{n.pods, n.withAffinity, n.withAntiAffinity} {
		if i := indexOf(list, info.pod); i >= 0 {
			list[i] = info
		}
	}
	n.touch()
}

func (n *NodeInfo) account(pod fwk.PodInfo, sign int64) {
	res := pod.CalculateResource()
	if r, ok := res.Resource.(*Resource); ok {
		n.requested.add(r, sign)
	} else {
		n.requested.add(&Resource{
			MilliCPU: res.Resource.GetMilliCPU(), Memory: res.Resource.GetMemory(),
			EphemeralStorage: res.Resource.GetEphemeralStorage(), Scalars: res.Resource.GetScalarResources(),
		}, sign)
	}
	n.nonZero.MilliCPU += sign * res.Non0CPU
	n.nonZero.Memory += sign * res.Non0Mem
	if info, ok := pod.(*PodInfo); !ok || info.hasPorts {
		n.accountPorts(pod.GetPod(), sign)
	}
	n.accountClaims(pod.GetPod(), sign)
	n.touch()
}

func (n *NodeInfo) accountPorts(pod *v1.Pod, sign int64) {
	HostPorts(pod, func(port *v1.ContainerPort) {
		if sign < 0 {
			n.usedPorts.Remove(port.HostIP, string(port.Protocol), port.HostPort)
			return
		}
		if n.usedPorts == nil {
			n.usedPorts = fwk.HostPortInfo{}
		}
		n.usedPorts.Add(port.HostIP, string(port.Protocol), port.HostPort)
	})
}

func (n *NodeInfo) accountClaims(pod *v1.Pod, sign int64) {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		var claim string
		switch {
		case volume.PersistentVolumeClaim != nil:
			claim = volume.PersistentVolumeClaim.ClaimName
		case volume.Ephemeral != nil:
			claim = ephemeral.VolumeClaimName(pod, volume)
		default:
			continue
		}
		key := pod.Namespace + "/" + claim
		if n.pvcRefs == nil {
			n.pvcRefs = map[string]int{}
		}
		n.pvcRefs[key] += int(sign)
		if n.pvcRefs[key] <= 0 {
			delete(n.pvcRefs, key)
		}
	}
}

func hasAffinity(pod fwk.PodInfo) bool {
	return len(pod.GetRequiredAffinityTerms()) > 0 || len(pod.GetRequiredAntiAffinityTerms()) > 0 ||
		len(pod.GetPreferredAffinityTerms()) > 0 || len(pod.GetPreferredAntiAffinityTerms()) > 0
}

func indexOf(list []fwk.PodInfo, pod *v1.Pod) int {
	for i := range list {
		if list[i].GetPod().UID == pod.UID {
			return i
		}
	}
	return -1
}

// removeAt does not keep the order: no plugin may depend on the order of a node's pods.
func removeAt(list []fwk.PodInfo, i int) []fwk.PodInfo {
	last := len(list) - 1
	list[i] = list[last]
	list[last] = nil
	return list[:last]
}
