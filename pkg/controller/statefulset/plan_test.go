package statefulset

import (
	"slices"
	"strconv"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// TestScaleDown says which pod goes next, if any. Pods are written from ordinal 0 on: R ready, u not ready, t terminating.
func TestScaleDown(t *testing.T) {
	for name, c := range map[string]struct {
		pods     string
		replicas int32
		parallel bool
		want     []string
	}{
		"highest first":                                   {pods: "RRR", replicas: 1, want: []string{"s-2"}},
		"one at a time":                                   {pods: "RRt", replicas: 1},
		"all in trouble, nothing moves":                   {pods: "uuu", replicas: 0},
		"trouble below holds up a pod in trouble":         {pods: "uRu", replicas: 0},
		"a pod alone in trouble may go":                   {pods: "RRu", replicas: 0, want: []string{"s-2"}},
		"with parallel management all go, healthy or not": {pods: "uRu", replicas: 0, parallel: true, want: []string{"s-2", "s-1", "s-0"}},
	} {
		t.Run(name, func(t *testing.T) {
			set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Spec: appsv1.StatefulSetSpec{Replicas: ptr.To(c.replicas)}}
			if c.parallel {
				set.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
			}
			w := &world{set: set, pods: map[int32]*v1.Pod{}}
			for i, state := range c.pods {
				w.pods[int32(i)] = testPod(i, state)
			}
			var p plan
			w.scaleDown(&p)
			var got []string
			for _, pod := range p.delete {
				got = append(got, pod.Name)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("deletes %v, want %v", got, c.want)
			}
		})
	}
}

func testPod(ordinal int, state rune) *v1.Pod {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "s-" + strconv.Itoa(ordinal)},
		Status:     v1.PodStatus{Phase: v1.PodRunning, Conditions: []v1.PodCondition{{Type: v1.PodReady, Status: v1.ConditionTrue}}},
	}
	if state == 'u' {
		pod.Status.Conditions[0].Status = v1.ConditionFalse
	}
	if state == 't' {
		pod.DeletionTimestamp = ptr.To(metav1.Now())
	}
	return pod
}
