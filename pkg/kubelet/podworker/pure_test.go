package podworker

import (
	"maps"
	"slices"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestExpand(t *testing.T) {
	env := map[string]string{"A": "1", "B": "two", "EMPTY": ""}
	for in, want := range map[string]string{
		"":              "",
		"plain":         "plain",
		"$(A)":          "1",
		"x$(A)y$(B)z":   "x1ytwoz",
		"$(UNKNOWN)":    "$(UNKNOWN)",
		"$$(A)":         "$(A)",
		"$$$(A)":        "$1",
		"$A":            "$A",
		"$(A":           "$(A",
		"100$":          "100$",
		"$(EMPTY)end":   "end",
		"$($(A))":       "$($(A))",
		"cost: $$5 $(B": "cost: $5 $(B",
	} {
		if got := expand(in, env); got != want {
			t.Errorf("expand(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestServiceVariables(t *testing.T) {
	env := map[string]string{}
	s := &v1.Service{}
	s.Name = "redis-primary"
	s.Spec = v1.ServiceSpec{ClusterIP: "10.0.0.11", Ports: []v1.ServicePort{{Name: "main", Port: 6379, Protocol: v1.ProtocolTCP}}}
	serviceVariables(env, s)
	// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
	want := map[string]string{
		"REDIS_PRIMARY_SERVICE_HOST": "10.0.0.11", "REDIS_PRIMARY_SERVICE_PORT": "6379", "REDIS_PRIMARY_SERVICE_PORT_MAIN": "6379",
		"REDIS_PRIMARY_PORT": "tcp://10.0.0.11:6379", "REDIS_PRIMARY_PORT_6379_TCP": "tcp://10.0.0.11:6379",
		"REDIS_PRIMARY_PORT_6379_TCP_PROTO": "tcp", "REDIS_PRIMARY_PORT_6379_TCP_PORT": "6379", "REDIS_PRIMARY_PORT_6379_TCP_ADDR": "10.0.0.11"}
	if !maps.Equal(env, want) {
		t.Errorf("got %v", env)
	}
	headless := &v1.Service{}
	headless.Spec.ClusterIP = v1.ClusterIPNone
	empty := map[string]string{}
	serviceVariables(empty, headless)
	if len(empty) != 0 {
		t.Errorf("headless service gave %v", empty)
	}
}

func list(cpu, memory string) v1.ResourceList {
	l := v1.ResourceList{}
	if cpu != "" {
		l[v1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		l[v1.ResourceMemory] = resource.MustParse(memory)
	}
	return l
}

func TestContainerResources(t *testing.T) {
	w := &worker{m: &Manager{cfg: Config{CPUCFSQuota: true, CPUCFSQuotaPeriod: 100 * time.Millisecond, MemoryCapacity: 8 << 30}}}
	cases := []struct {
		name             string
		requests, limits v1.ResourceList
		shares, quota    int64
		memory, oom      int64
	}{
		{"nothing asked", nil, nil, 2, 0, 0, 1000},
		{"requests only", list("250m", "2Gi"), nil, 256, 0, 0, 750},
		{"limit counts as request", nil, list("500m", ""), 512, 50000, 0, 999},
		{"least quota", list("1m", ""), list("1m", "100Mi"), 2, 1000, 100 << 20, -997},
		{"guaranteed", list("2", "1Gi"), list("2", "1Gi"), 2048, 200000, 1 << 30, -997},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			pod := &v1.Pod{Spec: v1.PodSpec{Containers: []v1.Container{{Name: "c", Resources: v1.ResourceRequirements{Requests: c.requests, Limits: c.limits}}}}}
			r := w.containerResources(pod, &pod.Spec.Containers[0])
			got := []int64{r.CpuShares, r.CpuQuota, r.MemoryLimitInBytes, r.OomScoreAdj}
			if want := []int64{c.shares, c.quota, c.memory, c.oom}; !slices.Equal(got, want) {
				t.Errorf("shares, quota, memory, oom score: got %v, want %v", got, want)
			}
		})
	}
}

func TestAllocationHoldsWhatWasPromised(t *testing.T) {
	pod := testPod(v1.RestartPolicyAlways)
	pod.Spec.Containers[0].Resources.Requests = list("100m", "")
	a := allocationOf(pod)
	wish := pod.DeepCopy()
	wish.Spec.Containers[0].Resources.Requests = list("200m", "")
	if got := a.apply(wish); got.Spec.Containers[0].Resources.Requests.Cpu().String() != "100m" {
		t.Errorf("wish was taken for promise: %v", got.Spec.Containers[0].Resources)
	}
	if got := a.apply(pod); got != pod {
		t.Error("unchanged pod was copied")
	}
}

func TestDrain(t *testing.T) {
	serving := func(change func(*v1.Pod)) *v1.Pod {
		p := &v1.Pod{
			ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &metav1.Time{}},
			Spec:       v1.PodSpec{Containers: []v1.Container{{Name: "c", Ports: []v1.ContainerPort{{ContainerPort: 80}}}}},
			Status:     v1.PodStatus{Conditions: []v1.PodCondition{{Type: v1.PodReady, Status: v1.ConditionTrue}}},
		}
		if change != nil {
			change(p)
		}
		return p
	}
	tests := []struct {
		name    string
		pod     *v1.Pod
		allowed time.Duration
		want    time.Duration
	}{
		{"serving", serving(nil), 30 * time.Second, drainTime},
		{"orphan", nil, 30 * time.Second, 0},
		{"forced", serving(nil), time.Second, 0},
		{"not ready", serving(func(p *v1.Pod) { p.Status.Conditions[0].Status = v1.ConditionFalse }), 30 * time.Second, 0},
		{"serving without saying at which port", serving(func(p *v1.Pod) {
			p.Spec.Containers[0].Ports, p.Spec.Containers[0].ReadinessProbe = nil, &v1.Probe{}
		}), 30 * time.Second, drainTime},
		{"serves nobody", serving(func(p *v1.Pod) { p.Spec.Containers[0].Ports = nil }), 30 * time.Second, 0},
		{"evicted, not deleted", serving(func(p *v1.Pod) { p.DeletionTimestamp = nil }), 30 * time.Second, 0},
		{"with a hook of its own", serving(func(p *v1.Pod) {
			p.Spec.Containers[0].Lifecycle = &v1.Lifecycle{PreStop: &v1.LifecycleHandler{Sleep: &v1.SleepAction{Seconds: 1}}}
		}), 30 * time.Second, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := drain(tt.pod, tt.allowed); got != tt.want {
				t.Errorf("drain() = %v, want %v", got, tt.want)
			}
		})
	}
}
