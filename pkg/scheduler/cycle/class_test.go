package cycle

import (
	"fmt"
	"math/rand/v2"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
	"tiphys.dev/tiphys/pkg/scheduler/profile"
	"tiphys.dev/tiphys/pkg/scheduler/queue"
)

// shapes differ in everything the local plugins look at.
func shape(i int, name string) *v1.Pod {
	p := pod(name, []string{"100m", "500m", "1", "1500m"}[i%4])
	switch i {
	case 1:
		p.Spec.NodeSelector = map[string]string{"disk": "ssd"}
	case 2:
		p.Spec.Tolerations = []v1.Toleration{{Key: "k", Operator: v1.TolerationOpExists}}
	case 3:
		p.Spec.Containers[0].Ports = []v1.ContainerPort{{HostPort: 80, Protocol: v1.ProtocolTCP}}
	case 4:
		p.Spec.Affinity = &v1.Affinity{NodeAffinity: &v1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []v1.PreferredSchedulingTerm{
			{Weight: 10, Preference: v1.NodeSelectorTerm{MatchExpressions: []v1.NodeSelectorRequirement{{Key: "disk", Operator: v1.NodeSelectorOpExists}}}},
			{Weight: 3, Preference: v1.NodeSelectorTerm{MatchExpressions: []v1.NodeSelectorRequirement{{Key: "gpu", Operator: v1.NodeSelectorOpExists}}}},
		}}}
	}
	return p
}

// TestClassAgreesWithLookingAnew is the proof that sharing verdicts is safe: after every one of many random changes the class
// must say of every node what all plugins say when they look at it anew, to the score.
func TestClassAgreesWithLookingAnew(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			b := newBench(t)
			for i := range 12 {
				n := node(fmt.Sprintf("n-%d", i), "4")
				b.nodes[n.Name] = n
				b.cache.AddNode(n)
			}
			next := 0
			for step := range 300 {
				change(b, random, &next)
				b.cache.Refresh(b.snapshot)
				compare(t, b, random.IntN(5), step)
			}
		})
	}
}

func change(b *bench, random *rand.Rand, next *int) {
	name := fmt.Sprintf("n-%d", random.IntN(14))
	known := b.nodes[name]
	switch kind := random.IntN(12); {
	case kind < 6:
		if known == nil {
			return
		}
		p := shape(random.IntN(5), fmt.Sprintf("p-%d", *next))
		*next++
		p.Spec.NodeName = name
		b.pods[p.Name] = p
		_ = b.cache.AddPod(p)
	case kind < 8:
		for key, p := range b.pods {
			b.cache.RemovePod(p)
			delete(b.pods, key)
			break
		}
	case kind == 8 && len(b.nodes) > 3 && known != nil:
		b.cache.RemoveNode(name)
		delete(b.nodes, name)
	case kind == 9 && known == nil:
		n := node(name, "4")
		b.nodes[name] = n
		b.cache.AddNode(n)
	case known != nil:
		n := known.DeepCopy()
		switch random.IntN(6) {
		case 0:
			n.Spec.Unschedulable = !n.Spec.Unschedulable
		case 1:
			n.Labels["disk"] = []string{"ssd", "hdd"}[random.IntN(2)]
		case 2:
			n.Spec.Taints = []v1.Taint{{Key: "k", Effect: []v1.TaintEffect{v1.TaintEffectNoSchedule, v1.TaintEffectPreferNoSchedule}[random.IntN(2)]}}
		case 3:
			n.Spec.Taints = nil
		case 4:
			n.Status.Allocatable[v1.ResourceCPU] = *resource.NewQuantity(int64(1+random.IntN(8)), resource.DecimalSI)
		case 5:
			n.Status.Images = []v1.ContainerImage{{Names: []string{"a:latest"}, SizeBytes: int64(random.IntN(900)) * 1024 * 1024}}
		}
		b.nodes[name] = n
		b.cache.AddNode(n)
	}
}

func compare(t *testing.T, b *bench, which, step int) {
	t.Helper()
	info, _ := cache.NewPodInfo(shape(which, "candidate"))
	a := &attempt{pod: &queue.PodInfo{Pod: info}, profile: b.profile, state: profile.NewCycleState()}
	k := b.cycle.classFor(b.ctx, a)
	if k == nil {
		// The first of its shape.
		if k = b.cycle.classFor(b.ctx, a); k == nil {
			t.Fatalf("step %d: shape %d has no class", step, which)
		}
	}
	outcome := b.profile.RunPreFilterPlugins(b.ctx, a.state, a.object(), nil)
	if !outcome.Status.IsSuccess() {
		t.Fatalf("step %d: %v", step, outcome.Status)
	}
	nodes := k.nodes(b.snapshot)[:0:0]
	for slot := range b.snapshot.Len() {
		status := b.profile.RunFilterPlugins(b.ctx, a.state, a.object(), b.snapshot.At(slot))
		if status.Message() != k.status[slot].Message() || status.Code() != k.status[slot].Code() {
			t.Fatalf("step %d shape %d: the class says %q of %s, the plugins %q", step, which, k.status[slot].Message(), b.snapshot.At(slot).Node().Name, status.Message())
		}
		if status.IsSuccess() {
			nodes = append(nodes, b.snapshot.At(slot))
		}
	}
	if len(nodes) == 0 {
		return
	}
	totals, err := b.cycle.score(b.ctx, a, nodes)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		slot := n.(*cache.NodeInfo).Slot
		// Plugins that skip in the class add the same to every node when they do run; here none does.
		if k.total[slot] != totals[i] {
			t.Fatalf("step %d shape %d: the class scores %s %d, the plugins %d", step, which, n.Node().Name, k.total[slot], totals[i])
		}
		if k.nodes(b.snapshot)[i] != n {
			t.Fatalf("step %d: the class lists an old copy of %s", step, n.Node().Name)
		}
	}
}
