package podcontrol

import (
	"slices"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var now = time.Unix(1_000_000, 0)

type change func(*v1.Pod)

// rankedPod is a ready pod on a node, ten hours old.
func rankedPod(name string, changes ...change) *v1.Pod {
	p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), CreationTimestamp: ago(10 * time.Hour)}}
	p.Spec.NodeName = "n"
	p.Status.Phase = v1.PodRunning
	p.Status.Conditions = []v1.PodCondition{{Type: v1.PodReady, Status: v1.ConditionTrue, LastTransitionTime: ago(10 * time.Hour)}}
	p.Status.ContainerStatuses = []v1.ContainerStatus{{}}
	for _, c := range changes {
		c(p)
	}
	return p
}

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

func unready(p *v1.Pod) { p.Status.Conditions = nil }
func pending(p *v1.Pod) { p.Status.Phase = v1.PodPending; p.Status.Conditions = nil }
func cost(c string) change {
	return func(p *v1.Pod) { p.Annotations = map[string]string{"controller.kubernetes.io/pod-deletion-cost": c} }
}
func node(n string) change { return func(p *v1.Pod) { p.Spec.NodeName = n } }
func restarted(n int32) change {
	return func(p *v1.Pod) { p.Status.ContainerStatuses[0].RestartCount = n }
}
func readySince(d time.Duration) change {
	return func(p *v1.Pod) { p.Status.Conditions[0].LastTransitionTime = ago(d) }
}
func age(d time.Duration) change { return func(p *v1.Pod) { p.CreationTimestamp = ago(d) } }

func TestLowestRanked(t *testing.T) {
	for _, c := range []struct {
		name  string
		pods  []*v1.Pod
		nodes map[string]int
		want  []string
	}{
		{"unassigned first", []*v1.Pod{rankedPod("a", unready), rankedPod("b", pending, node(""))}, nil, []string{"b"}},
		{"pending before running", []*v1.Pod{rankedPod("a", unready), rankedPod("b", pending)}, nil, []string{"b"}},
		{"unready before ready, whatever the cost", []*v1.Pod{rankedPod("a", cost("-100")), rankedPod("b", unready)}, nil, []string{"b"}},
		{"lower cost first", []*v1.Pod{rankedPod("a"), rankedPod("b", cost("-1")), rankedPod("c", cost("7"))}, nil, []string{"b", "a"}},
		{"cost before doubling", []*v1.Pod{rankedPod("a", node("x")), rankedPod("b", cost("-1"), node("y"))}, map[string]int{"x": 5, "y": 1}, []string{"b"}},
		{"doubled-up node first", []*v1.Pod{rankedPod("a", node("x")), rankedPod("b", node("y"))}, map[string]int{"x": 1, "y": 2}, []string{"b"}},
		{"ready for a shorter time", []*v1.Pod{rankedPod("a"), rankedPod("b", readySince(time.Minute))}, nil, []string{"b"}},
		{"about the same ready time: restarts decide", []*v1.Pod{rankedPod("a", restarted(3)), rankedPod("b", readySince(10*time.Hour-time.Second))}, nil, []string{"a"}},
		{"more restarts first", []*v1.Pod{rankedPod("a"), rankedPod("b", restarted(1))}, nil, []string{"b"}},
		{"younger first", []*v1.Pod{rankedPod("a"), rankedPod("b", age(time.Hour))}, nil, []string{"b"}},
		{"same bucket: by UID", []*v1.Pod{rankedPod("b", age(10*time.Hour-time.Minute)), rankedPod("a")}, nil, []string{"a"}},
		{"all", []*v1.Pod{rankedPod("a"), rankedPod("b")}, nil, []string{"a", "b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the order they come in must not matter
				var got []string
				for _, p := range LowestRanked(c.pods, c.nodes, len(c.want), now) {
					got = append(got, p.Name)
				}
				if slices.Sort(got); len(c.want) == len(c.pods) {
					slices.Sort(c.want)
				}
				want := slices.Clone(c.want)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
				slices.Reverse(c.pods)
			}
		})
	}
}
