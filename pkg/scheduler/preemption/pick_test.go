package preemption

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

func victim(name string, priority int32, startedMinutesAgo int) *v1.Pod {
	start := metav1.NewTime(time.Date(2026, 1, 1, 12, -startedMinutesAgo, 0, 0, time.UTC))
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", Labels: map[string]string{"app": "a"}},
		Spec:       v1.PodSpec{Priority: &priority}, Status: v1.PodStatus{StartTime: &start},
	}
}

func TestPick(t *testing.T) {
	for _, one := range []struct {
		name       string
		candidates []Candidate
		want       string
	}{
		{"none", nil, ""},
		{"fewest violations", []Candidate{
			{"a", []*v1.Pod{victim("x", 1, 1)}, 1}, {"b", []*v1.Pod{victim("x", 100, 1)}, 0},
		}, "b"},
		{"least important victim", []Candidate{
			{"a", []*v1.Pod{victim("x", 5, 1)}, 0}, {"b", []*v1.Pod{victim("x", 4, 1), victim("y", 4, 1)}, 0},
		}, "b"},
		{"smallest sum", []Candidate{
			{"a", []*v1.Pod{victim("x", 5, 1), victim("y", 4, 1)}, 0}, {"b", []*v1.Pod{victim("x", 5, 1), victim("y", 1, 1)}, 0},
		}, "b"},
		{"one of negative priority rather than two", []Candidate{
			{"a", []*v1.Pod{victim("x", -5, 1), victim("y", -5, 1)}, 0}, {"b", []*v1.Pod{victim("x", -5, 1)}, 0},
		}, "b"},
		{"youngest", []Candidate{
			{"a", []*v1.Pod{victim("x", 5, 10)}, 0}, {"b", []*v1.Pod{victim("x", 5, 2)}, 0},
		}, "b"},
		{"first of equals", []Candidate{
			{"a", []*v1.Pod{victim("x", 5, 1)}, 0}, {"b", []*v1.Pod{victim("x", 5, 1)}, 0},
		}, "a"},
	} {
		t.Run(one.name, func(t *testing.T) {
			got := ""
			if best := Pick(one.candidates); best != nil {
				got = best.Node
			}
			if got != one.want {
				t.Errorf("got %q, want %q", got, one.want)
			}
		})
	}
}

func TestSplitByBudgets(t *testing.T) {
	budget := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default"},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}}},
		Status:     policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: 1, DisruptedPods: map[string]metav1.Time{"known": {}}},
	}
	var pods []fwk.PodInfo
	for _, name := range []string{"first", "second", "known"} {
		info, _ := cache.NewPodInfo(victim(name, 0, 0))
		pods = append(pods, info)
	}
	violating, others := splitByBudgets(pods, []*policyv1.PodDisruptionBudget{budget})
	if len(violating) != 1 || violating[0].GetPod().Name != "second" {
		t.Errorf("violating: %v", violating)
	}
	if len(others) != 2 {
		t.Errorf("others: %v", others)
	}
}
