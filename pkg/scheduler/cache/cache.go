package cache

import (
	"fmt"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Cache is the live view. All methods may be called from any goroutine.
type Cache struct {
	features *ndf.FeatureMapper

	mu    sync.RWMutex
	nodes map[string]*nodeEntry
	pods  map[types.UID]*podEntry
	// dirty lists the entries changed since the last Refresh, each once.
	dirty []*nodeEntry
	// structure counts changes that renumber nodes: one came, went, or moved to another zone.
	structure int64

	images map[string]*fwk.ImageStateSummary
	// imagesVersion counts changes of any image's set of nodes; entries compare it with the one they copied.
	imagesVersion int64
}

type nodeEntry struct {
	info       *NodeInfo
	dirty      bool
	imageNames []string
	imagesSeen int64
}

type podEntry struct {
	info    *PodInfo
	assumed bool
}

// New makes an empty cache. The mapper numbers the features nodes declare and may be nil.
func New(features *ndf.FeatureMapper) *Cache {
	return &Cache{
		features: features,
		nodes:    map[string]*nodeEntry{},
		pods:     map[types.UID]*podEntry{},
		images:   map[string]*fwk.ImageStateSummary{},
	}
}

// AddNode takes in a node, new or known.
func (c *Cache) AddNode(node *v1.Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry := c.entry(node.Name)
	old := entry.info.node
	if old == nil || zoneOf(old) != zoneOf(node) {
		c.structure++
	}
	entry.info.SetNode(node)
	c.setImages(entry, node)
	c.markDirty(entry)
}

// RemoveNode forgets a node. Its pods stay known until their own deletion is seen, because events of nodes and pods
// come in any order.
func (c *Cache) RemoveNode(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.nodes[name]
	if !ok || entry.info.node == nil {
		return
	}
	c.dropImages(entry)
	entry.info.removeNode()
	c.structure++
	c.dropIfEmpty(name, entry)
}

// AssumePod counts a pod on the node its spec names although the API server does not know yet.
func (c *Cache) AssumePod(info *PodInfo) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.pods[info.pod.UID]; ok {
		return fmt.Errorf("pod %s/%s (%s) is already in the cache", info.pod.Namespace, info.pod.Name, info.pod.UID)
	}
	c.insert(info, true)
	return nil
}

// ForgetPod takes an assumed pod back. A pod that was confirmed meanwhile stays.
func (c *Cache) ForgetPod(pod *v1.Pod) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry, ok := c.pods[pod.UID]; ok && entry.assumed {
		c.remove(entry)
	}
}

// AddPod takes in a pod that has a node according to the API server, confirming it when it was assumed.
func (c *Cache) AddPod(pod *v1.Pod) error {
	info, err := NewPodInfo(pod)
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, known := c.pods[pod.UID]
	switch {
	case !known:
		c.insert(info, false)
	case entry.info.pod.Spec.NodeName != pod.Spec.NodeName:
		// Somebody else bound it elsewhere: the API server is right.
		c.remove(entry)
		c.insert(info, false)
	case sameSums(entry.info, info):
		entry.assumed = false
		entry.info = info
		node := c.entry(pod.Spec.NodeName)
		node.info.replacePod(info)
		c.markDirty(node)
	default:
		c.remove(entry)
		c.insert(info, false)
	}
	return err
}

// UpdatePod is AddPod: what counts is the newest object.
func (c *Cache) UpdatePod(pod *v1.Pod) error { return c.AddPod(pod) }

// RemovePod forgets a pod, assumed or confirmed.
func (c *Cache) RemovePod(pod *v1.Pod) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry, ok := c.pods[pod.UID]; ok {
		c.remove(entry)
	}
}

// GetPod returns the pod as the cache has it, or nil.
func (c *Cache) GetPod(uid types.UID) *v1.Pod {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if entry, ok := c.pods[uid]; ok {
		return entry.info.pod
	}
	return nil
}

// IsAssumed tells whether the pod is counted but not yet confirmed.
func (c *Cache) IsAssumed(uid types.UID) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	entry, ok := c.pods[uid]
	return ok && entry.assumed
}

// Counts returns the numbers of nodes, pods and assumed pods, for metrics.
func (c *Cache) Counts() (nodes, pods, assumed int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, entry := range c.pods {
		if entry.assumed {
			assumed++
		}
	}
	for _, entry := range c.nodes {
		if entry.info.node != nil {
			nodes++
		}
	}
	return nodes, len(c.pods), assumed
}

func (c *Cache) insert(info *PodInfo, assumed bool) {
	c.pods[info.pod.UID] = &podEntry{info: info, assumed: assumed}
	entry := c.entry(info.pod.Spec.NodeName)
	entry.info.AddPodInfo(info)
	c.markDirty(entry)
}

func (c *Cache) remove(pod *podEntry) {
	delete(c.pods, pod.info.pod.UID)
	name := pod.info.pod.Spec.NodeName
	entry, ok := c.nodes[name]
	if !ok {
		return
	}
	// The pod table says it is there, so it is.
	_ = entry.info.RemovePod(klog.Logger{}, pod.info.pod)
	c.markDirty(entry)
	c.dropIfEmpty(name, entry)
}

func (c *Cache) entry(name string) *nodeEntry {
	entry, ok := c.nodes[name]
	if !ok {
		entry = &nodeEntry{info: NewNodeInfo()}
		entry.info.SetFeatureMapper(c.features)
		c.nodes[name] = entry
	}
	return entry
}

func (c *Cache) dropIfEmpty(name string, entry *nodeEntry) {
	if entry.info.node == nil && len(entry.info.pods) == 0 {
		delete(c.nodes, name)
	}
}

func (c *Cache) markDirty(entry *nodeEntry) {
	if !entry.dirty {
		entry.dirty = true
		c.dirty = append(c.dirty, entry)
	}
}

func sameSums(a, b *PodInfo) bool {
	if a.non0CPU != b.non0CPU || a.non0Mem != b.non0Mem || a.resource.EphemeralStorage != b.resource.EphemeralStorage ||
		a.resource.MilliCPU != b.resource.MilliCPU || a.resource.Memory != b.resource.Memory ||
		len(a.resource.Scalars) != len(b.resource.Scalars) || len(a.terms) != len(b.terms) {
		return false
	}
	for name, value := range a.resource.Scalars {
		if b.resource.Scalars[name] != value {
			return false
		}
	}
	return true
}
