package noderesources

import (
	"context"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
	"tiphys.dev/tiphys/pkg/scheduler/profile"
)

func podOf(cpu, memory string) *v1.Pod {
	requests := v1.ResourceList{}
	if cpu != "" {
		requests[v1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		requests[v1.ResourceMemory] = resource.MustParse(memory)
	}
	return &v1.Pod{Spec: v1.PodSpec{Containers: []v1.Container{{Resources: v1.ResourceRequirements{Requests: requests}}}}}
}

func nodeOf(pods ...*v1.Pod) *cache.NodeInfo {
	info := cache.NewNodeInfo(pods...)
	info.SetNode(&v1.Node{Status: v1.NodeStatus{Allocatable: v1.ResourceList{
		v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("10000"), v1.ResourcePods: resource.MustParse("2"),
	}}})
	return info
}

var both = []configv1.ResourceSpec{{Name: "cpu", Weight: 1}, {Name: "memory", Weight: 1}}

func TestStrategies(t *testing.T) {
	shape := &configv1.RequestedToCapacityRatioParam{Shape: []configv1.UtilizationShapePoint{{Utilization: 0, Score: 0}, {Utilization: 100, Score: 10}}}
	for _, one := range []struct {
		name     string
		strategy configv1.ScoringStrategy
		pod      *v1.Pod
		info     *cache.NodeInfo
		want     int64
	}{
		// cpu (4-3)/4 = 25, memory (10000-5000)/10000 = 50
		{"least", configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: both}, podOf("3", "5000"), nodeOf(), 37},
		{"least counts running pods", configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: both}, podOf("2", "2500"), nodeOf(podOf("1", "2500")), 37},
		{"most", configv1.ScoringStrategy{Type: configv1.MostAllocated, Resources: both}, podOf("3", "5000"), nodeOf(), 62},
		{"weights", configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: []configv1.ResourceSpec{{Name: "cpu", Weight: 3}, {Name: "memory", Weight: 1}}}, podOf("3", "5000"), nodeOf(), 31},
		{"ratio", configv1.ScoringStrategy{Type: configv1.RequestedToCapacityRatio, Resources: both, RequestedToCapacityRatio: shape}, podOf("3", "5000"), nodeOf(), 63},
		{"over capacity", configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: both}, podOf("5", "20000"), nodeOf(), 0},
		// A pod that asks for no CPU counts as 100m.
		{"no request", configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: both[:1]}, podOf("", "1"), nodeOf(), 97},
		{"resource nobody has", configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: []configv1.ResourceSpec{{Name: "x.io/gpu", Weight: 1}}}, podOf("1", "1"), nodeOf(), 0},
	} {
		t.Run(one.name, func(t *testing.T) {
			s, err := newScorer(&one.strategy)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.score(requestOf(one.pod), one.info); got != one.want {
				t.Errorf("got %d, want %d", got, one.want)
			}
		})
	}
}

func TestFit(t *testing.T) {
	sidecar := podOf("1", "100")
	always := v1.ContainerRestartPolicyAlways
	sidecar.Spec.InitContainers = []v1.Container{{RestartPolicy: &always, Resources: podOf("3500m", "1").Spec.Containers[0].Resources}}
	overhead := podOf("3", "100")
	overhead.Spec.Overhead = v1.ResourceList{v1.ResourceCPU: resource.MustParse("2")}
	level := podOf("1", "100")
	level.Spec.Resources = &v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("3")}}
	gpu := podOf("1", "1")
	gpu.Spec.Containers[0].Resources.Requests["x.io/gpu"] = resource.MustParse("1")
	for _, one := range []struct {
		name string
		pod  *v1.Pod
		info *cache.NodeInfo
		want string
		code fwk.Code
	}{
		{"fits", podOf("4", "10000"), nodeOf(), "", fwk.Success},
		{"asks for nothing", podOf("", ""), nodeOf(podOf("4", "10000")), "", fwk.Success},
		{"taken", podOf("2", "100"), nodeOf(podOf("3", "100")), "Insufficient cpu", fwk.Unschedulable},
		{"never", podOf("5", "100"), nodeOf(), "Insufficient cpu", fwk.UnschedulableAndUnresolvable},
		{"both", podOf("2", "9950"), nodeOf(podOf("3", "100")), "Insufficient cpu, Insufficient memory", fwk.Unschedulable},
		{"full of pods", podOf("", ""), nodeOf(podOf("", ""), podOf("", "")), "Too many pods", fwk.Unschedulable},
		{"sidecars add up", sidecar, nodeOf(), "Insufficient cpu", fwk.UnschedulableAndUnresolvable},
		{"overhead adds up", overhead, nodeOf(), "Insufficient cpu", fwk.UnschedulableAndUnresolvable},
		{"pod-level request counts", level, nodeOf(podOf("2", "100")), "Insufficient cpu", fwk.Unschedulable},
		{"unknown resource", gpu, nodeOf(), "Insufficient x.io/gpu", fwk.UnschedulableAndUnresolvable},
	} {
		t.Run(one.name, func(t *testing.T) {
			plugin, err := NewFit(context.Background(), &configv1.NodeResourcesFitArgs{ScoringStrategy: &configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: both}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			fit := plugin.(*Fit)
			state := profile.NewCycleState()
			if _, status := fit.PreFilter(context.Background(), state, one.pod, nil); !status.IsSuccess() {
				t.Fatal(status)
			}
			status := fit.Filter(context.Background(), state, one.pod, one.info)
			if status.Message() != one.want || status.Code() != one.code {
				t.Errorf("got %v %q, want %v %q", status.Code(), status.Message(), one.code, one.want)
			}
		})
	}
}

func TestBalanced(t *testing.T) {
	plugin, err := NewBalanced(context.Background(), &configv1.NodeResourcesBalancedAllocationArgs{Resources: both}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		name string
		pod  *v1.Pod
		want int64
	}{
		{"even", podOf("2", "5000"), 100},
		{"cpu only", podOf("4", ""), 50},
		{"somewhat uneven", podOf("3", "2500"), 75},
	} {
		t.Run(one.name, func(t *testing.T) {
			state := profile.NewCycleState()
			if status := plugin.(*Balanced).PreScore(context.Background(), state, one.pod, nil); !status.IsSuccess() {
				t.Fatal(status)
			}
			if got, _ := plugin.(*Balanced).Score(context.Background(), state, one.pod, nodeOf()); got != one.want {
				t.Errorf("got %d, want %d", got, one.want)
			}
		})
	}
	if status := plugin.(*Balanced).PreScore(context.Background(), profile.NewCycleState(), podOf("", ""), nil); !status.IsSkip() {
		t.Errorf("a best effort pod unbalances nothing, got %v", status)
	}
}
