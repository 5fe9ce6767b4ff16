package scheduler

import (
	"fmt"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (c *cluster) addNodes(n int, change ...func(*v1.Node)) {
	for i := range n {
		node := makeNode(fmt.Sprintf("node-%d", i), map[string]string{v1.LabelTopologyZone: fmt.Sprintf("zone-%d", i%2)})
		for _, one := range change {
			one(node)
		}
		c.nodes.Add(node)
	}
}

func (c *cluster) untilBound(t testing.TB, names ...string) {
	t.Helper()
	c.until(t, fmt.Sprint(names), func() bool {
		for _, name := range names {
			if c.nodeOf(name) == "" {
				return false
			}
		}
		return true
	})
}

func (c *cluster) untilPatched(t testing.TB, text string) {
	t.Helper()
	c.until(t, text, func() bool {
		for _, patch := range c.patches {
			if strings.Contains(patch, text) {
				return true
			}
		}
		return false
	})
}

func TestPodsAreSpreadByLoad(t *testing.T) {
	c := newCluster()
	c.addNodes(4)
	c.start(t, Config{})
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("p-%d", i))
		c.addPod(makePod(names[i], "100m"))
	}
	c.untilBound(t, names...)
	count := map[string]int{}
	for _, name := range names {
		count[c.nodeOf(name)]++
	}
	for node, n := range count {
		if n != 10 {
			t.Errorf("%s got %d pods of 40 over 4 equal nodes: %v", node, n, count)
		}
	}
}

// Pods of one shape go through a class; what does not fit must be refused exactly when the nodes are full.
func TestClassStopsWhenNodesAreFull(t *testing.T) {
	c := newCluster()
	c.addNodes(3)
	c.start(t, Config{})
	for i := range 13 {
		c.addPod(makePod(fmt.Sprintf("p-%d", i), "1"))
	}
	c.until(t, "12 bound pods", func() bool { return c.bound == 12 })
	c.untilPatched(t, "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.")
	// Room comes: the refused pod is woken by the event.
	c.deletePod("p-0")
	c.until(t, "the thirteenth", func() bool { return c.bound == 13 })
}

func TestWaitingPodIsWokenByNode(t *testing.T) {
	for _, one := range []struct {
		name   string
		pod    func(*v1.Pod)
		text   string
		repair func(c *cluster)
	}{{
		"no node at all", func(*v1.Pod) {}, "no nodes available to schedule pods", func(c *cluster) { c.addNodes(1) },
	}} {
		t.Run(one.name, func(t *testing.T) {
			c := newCluster()
			c.start(t, Config{})
			c.addPod(makePod("p", "1", one.pod))
			c.untilPatched(t, one.text)
			one.repair(c)
			c.untilBound(t, "p")
		})
	}
}

func TestRequiredAntiAffinityGivesOnePodANode(t *testing.T) {
	c := newCluster()
	c.addNodes(5)
	c.start(t, Config{})
	anti := func(pod *v1.Pod) {
		pod.Spec.Affinity = &v1.Affinity{PodAntiAffinity: &v1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []v1.PodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}}, TopologyKey: v1.LabelHostname,
		}}}}
	}
	for i := range 6 {
		c.addPod(makePod(fmt.Sprintf("p-%d", i), "100m", anti))
	}
	c.until(t, "five pods", func() bool { return c.bound == 5 })
	c.untilPatched(t, "0/5 nodes are available: 5 node(s) didn't match pod anti-affinity rules.")
	seen := map[string]bool{}
	for i := range 6 {
		if node := c.nodeOf(fmt.Sprintf("p-%d", i)); node != "" && seen[node] {
			t.Errorf("two pods on %s", node)
		} else {
			seen[node] = true
		}
	}
	// A pod without terms but with the label must stay away as well: the others' terms select it.
	c.addPod(makePod("plain", "100m"))
	c.untilPatched(t, "5 node(s) didn't satisfy existing pods anti-affinity rules")
}

func TestSpreadKeepsSkew(t *testing.T) {
	c := newCluster()
	c.addNodes(6)
	c.start(t, Config{})
	spread := func(pod *v1.Pod) {
		pod.Spec.TopologySpreadConstraints = []v1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: v1.LabelTopologyZone, WhenUnsatisfiable: v1.DoNotSchedule,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}},
		}}
	}
	var names []string
	for i := range 21 {
		names = append(names, fmt.Sprintf("p-%d", i))
		c.addPod(makePod(names[i], "100m", spread))
	}
	c.untilBound(t, names...)
	zones := map[int]int{}
	for _, name := range names {
		var n int
		_, _ = fmt.Sscanf(c.nodeOf(name), "node-%d", &n)
		zones[n%2]++
	}
	if d := zones[0] - zones[1]; d > 1 || d < -1 {
		t.Errorf("zones got %v", zones)
	}
}

func TestPreemptionEvictsTheLeastImportant(t *testing.T) {
	c := newCluster()
	c.addNodes(2)
	c.start(t, Config{})
	priority := func(p int32) func(*v1.Pod) { return func(pod *v1.Pod) { pod.Spec.Priority = &p } }
	var names []string
	for i := range 8 {
		names = append(names, fmt.Sprintf("p-%d", i))
		c.addPod(makePod(names[i], "1", priority(int32(i+1))))
	}
	c.untilBound(t, names...)
	c.addPod(makePod("vip", "1", priority(1000)))
	c.untilBound(t, "vip")
	// The writes of status have a queue of their own, which the binding may overtake.
	for _, want := range []string{`"type":"DisruptionTarget"`, "default-scheduler: preempting to accommodate a higher priority pod", `"nominatedNodeName":"node-`} {
		c.untilPatched(t, want)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pods) != 8 {
		t.Errorf("%d pods are left, want seven and the important one", len(c.pods))
	}
	if c.nodeOf("p-0") != "" {
		t.Errorf("the least important pod should have gone")
	}
}

func TestGatesHostPortsAndSelectors(t *testing.T) {
	c := newCluster()
	c.addNodes(2)
	c.start(t, Config{})
	gated := makePod("gated", "100m", func(pod *v1.Pod) { pod.Spec.SchedulingGates = []v1.PodSchedulingGate{{Name: "wait"}} })
	c.addPod(gated)
	port := func(pod *v1.Pod) {
		pod.Spec.Containers[0].Ports = []v1.ContainerPort{{HostPort: 80, ContainerPort: 80, Protocol: v1.ProtocolTCP}}
	}
	c.addPod(makePod("port-0", "100m", port))
	c.addPod(makePod("port-1", "100m", port))
	c.addPod(makePod("port-2", "100m", port))
	c.until(t, "two pods with the port", func() bool { return c.bound == 2 })
	c.untilPatched(t, "2 node(s) didn't have free ports for the requested pod ports")
	c.addPod(makePod("nowhere", "100m", func(pod *v1.Pod) { pod.Spec.NodeSelector = map[string]string{"disk": "ssd"} }))
	c.untilPatched(t, "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.")
	c.mu.Lock()
	open := gated.DeepCopy()
	open.Spec.SchedulingGates = nil
	c.store(open)
	c.podsW.Modify(open)
	c.mu.Unlock()
	c.untilBound(t, "gated")
}

func TestOtherSchedulersPodsAreLeftAlone(t *testing.T) {
	c := newCluster()
	c.addNodes(1)
	c.start(t, Config{})
	c.addPod(makePod("theirs", "1", func(pod *v1.Pod) { pod.Spec.SchedulerName = "other" }))
	c.addPod(makePod("ours", "1"))
	c.untilBound(t, "ours")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nodeOf("theirs") != "" {
		t.Error("bound a pod of another scheduler")
	}
}

func TestTaintsAndCordons(t *testing.T) {
	c := newCluster()
	c.addNodes(3, func(node *v1.Node) {
		switch node.Name {
		case "node-0":
			node.Spec.Unschedulable = true
		case "node-1":
			node.Spec.Taints = []v1.Taint{{Key: "k", Value: "v", Effect: v1.TaintEffectNoSchedule}}
		case "node-2":
			node.Status.Allocatable[v1.ResourceCPU] = resource.MustParse("50m")
		}
	})
	c.start(t, Config{})
	c.addPod(makePod("p", "100m"))
	c.untilPatched(t, "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.")
	c.addPod(makePod("tolerant", "100m", func(pod *v1.Pod) {
		pod.Spec.Tolerations = []v1.Toleration{{Key: "k", Operator: v1.TolerationOpExists}}
	}))
	c.untilBound(t, "tolerant")
}
