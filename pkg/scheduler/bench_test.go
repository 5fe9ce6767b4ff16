package scheduler

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BenchmarkSchedule measures whole pods through informers, queue, decision, binding and event with an API server that is a
// map: what is left is the scheduler's own cost.
func BenchmarkSchedule(b *testing.B) {
	anti := func(pod *v1.Pod) {
		pod.Spec.Affinity = &v1.Affinity{PodAntiAffinity: &v1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []v1.PodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}}, TopologyKey: v1.LabelHostname,
		}}}}
	}
	spread := func(pod *v1.Pod) {
		pod.Spec.TopologySpreadConstraints = []v1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: v1.LabelTopologyZone, WhenUnsatisfiable: v1.DoNotSchedule,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}},
		}}
	}
	for _, one := range []struct {
		name        string
		nodes, pods int
		change      []func(*v1.Pod)
	}{
		{"plain/5000nodes/10000pods", 5000, 10000, nil},
		{"antiaffinity/5000nodes/1500pods", 5000, 1500, []func(*v1.Pod){anti}},
		{"spread/5000nodes/5000pods", 5000, 5000, []func(*v1.Pod){spread}},
	} {
		b.Run(one.name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				c := newCluster()
				for i := range one.nodes {
					c.nodes.Add(makeNode(fmt.Sprintf("node-%d", i), map[string]string{v1.LabelTopologyZone: fmt.Sprintf("zone-%d", i%3)}))
				}
				c.start(b, Config{})
				c.addPod(makePod("first", "100m", one.change...))
				c.until(b, "the first pod", func() bool { return c.bound == 1 })
				pods := make([]*v1.Pod, one.pods)
				for i := range pods {
					pods[i] = makePod(fmt.Sprintf("pod-%d", i), "100m", one.change...)
				}
				runtime.GC()
				before := cpu()
				b.StartTimer()
				start := time.Now()
				for _, pod := range pods {
					c.addPod(pod)
				}
				c.until(b, "all pods", func() bool { return c.bound == one.pods+1 })
				b.ReportMetric(float64((cpu()-before).Microseconds())/float64(one.pods), "cpu-us/pod")
				b.ReportMetric(float64(one.pods)/time.Since(start).Seconds(), "pods/s")
			}
		})
	}
}

func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
