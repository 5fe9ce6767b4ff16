package podstatus

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"sigs.k8s.io/yaml"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

var rewrite = flag.Bool("rewrite", false, "write the recorded output anew")

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// scene builds an Input piece by piece.
type scene struct{ in Input }

func pod(policy v1.RestartPolicy, containers ...string) *scene {
	p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: "u", Generation: 3}}
	p.Spec.RestartPolicy = policy
	for _, c := range containers {
		p.Spec.Containers = append(p.Spec.Containers, v1.Container{Name: c, Image: "img"})
	}
	s := &scene{Input{Pod: p, Observed: &observe.Pod{UID: "u"}, RuntimeName: "rt", HostIPs: []string{"10.0.0.1"}, StartTime: now, Now: now}}
	s.in.Health = func(*observe.Container) Health { return Health{Started: true, Ready: true} }
	return s
}

func (s *scene) init(name string, sidecar bool) *scene {
	c := v1.Container{Name: name, Image: "img"}
	if sidecar {
		always := v1.ContainerRestartPolicyAlways
		c.RestartPolicy = &always
	}
	s.in.Pod.Spec.InitContainers = append(s.in.Pod.Spec.InitContainers, c)
	return s
}

func (s *scene) sandbox() *scene {
	s.in.Observed.Sandboxes = []*runtimeapi.PodSandboxStatus{{Id: "sb", Network: &runtimeapi.PodSandboxNetworkStatus{Ip: "10.1.0.5"}}}
	return s
}

func (s *scene) running(name string) *scene {
	return s.add(name, runtimeapi.ContainerState_CONTAINER_RUNNING, 0)
}

func (s *scene) exited(name string, code int32) *scene {
	return s.add(name, runtimeapi.ContainerState_CONTAINER_EXITED, code)
}

func (s *scene) add(name string, state runtimeapi.ContainerState, code int32) *scene {
	attempt := uint32(len(s.in.Observed.Attempts(name)))
	c := &observe.Container{ID: name + "-" + string(rune('0'+attempt)), Name: name, SandboxID: "sb", Attempt: attempt, State: state,
		StartedAt: now, ExitCode: code, Image: "img:1", ImageRef: "sha256:1"}
	if state == runtimeapi.ContainerState_CONTAINER_EXITED {
		c.FinishedAt = now.Add(time.Second)
	}
	s.in.Observed.Containers = append([]*observe.Container{c}, s.in.Observed.Containers...)
	return s
}

func (s *scene) with(change func(*Input)) *scene { change(&s.in); return s }

func TestGenerate(t *testing.T) {
	finished := func(in *Input) { in.Finished = true }
	cases := map[string]*scene{
		"new":                    pod(v1.RestartPolicyAlways, "a"),
		"running":                pod(v1.RestartPolicyAlways, "b", "a").sandbox().running("b").running("a"),
		"one-of-two-not-started": pod(v1.RestartPolicyAlways, "a", "b").sandbox().running("a"),
		"crash-loop": pod(v1.RestartPolicyAlways, "a").sandbox().exited("a", 1).exited("a", 2).with(func(in *Input) {
			in.Waiting = map[string]plan.Waiting{"a": {Reason: "CrashLoopBackOff", Message: "back-off"}}
		}),
		"restarted":             pod(v1.RestartPolicyAlways, "a").sandbox().exited("a", 1).running("a"),
		"image-pull":            pod(v1.RestartPolicyAlways, "a").sandbox().with(func(in *Input) { in.Waiting = map[string]plan.Waiting{"a": {Reason: "ErrImagePull", Message: "no"}} }),
		"not-ready":             pod(v1.RestartPolicyAlways, "a").sandbox().running("a").with(func(in *Input) { in.Health = func(*observe.Container) Health { return Health{Started: true} } }),
		"initializing":          pod(v1.RestartPolicyAlways, "a").init("i", false).sandbox().running("i"),
		"init-failed":           pod(v1.RestartPolicyNever, "a").init("i", false).sandbox().exited("i", 1).with(finished),
		"sidecar-starting":      pod(v1.RestartPolicyAlways, "a").init("s", true).sandbox().running("s").with(func(in *Input) { in.Health = func(*observe.Container) Health { return Health{} } }),
		"sidecar-running":       pod(v1.RestartPolicyAlways, "a").init("s", true).sandbox().running("s").running("a"),
		"done-but-sidecar-runs": pod(v1.RestartPolicyNever, "a").init("s", true).sandbox().running("s").exited("a", 0).with(func(in *Input) { in.Prior.Phase = v1.PodRunning }),
		"succeeded":             pod(v1.RestartPolicyNever, "a").exited("a", 0).with(finished),
		"failed":                pod(v1.RestartPolicyNever, "a", "b").exited("a", 0).exited("b", 3).with(finished),
		"never-taken-back":      pod(v1.RestartPolicyAlways, "a").sandbox().running("a").with(func(in *Input) { in.Prior.Phase = v1.PodFailed }),
		"evicted-still-running": pod(v1.RestartPolicyAlways, "a").sandbox().running("a").with(func(in *Input) {
			in.Prior.Phase = v1.PodRunning
			in.Failure = &Failure{Reason: "Evicted", Message: "low on memory"}
		}),
		"evicted":                pod(v1.RestartPolicyAlways, "a").exited("a", 137).with(finished).with(func(in *Input) { in.Failure = &Failure{Reason: "Evicted", Message: "low on memory"} }),
		"rejected":               pod(v1.RestartPolicyAlways, "a").with(func(in *Input) { in.Rejected = true; in.Failure = &Failure{Reason: "OutOfcpu", Message: "no"} }),
		"deleted-with-exit-zero": pod(v1.RestartPolicyAlways, "a").exited("a", 0).with(finished),
		"lost": pod(v1.RestartPolicyAlways, "a").with(func(in *Input) {
			in.Prior.ContainerStatuses = []v1.ContainerStatus{{Name: "a", ContainerID: "rt://gone", RestartCount: 1, State: v1.ContainerState{Running: &v1.ContainerStateRunning{}}}}
		}),
		"readiness-gate": pod(v1.RestartPolicyAlways, "a").sandbox().running("a").with(func(in *Input) { in.Pod.Spec.ReadinessGates = []v1.PodReadinessGate{{ConditionType: "x/y"}} }),
		"host-network":   pod(v1.RestartPolicyAlways, "a").sandbox().running("a").with(func(in *Input) { in.Pod.Spec.HostNetwork = true }),
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			got := summary(Generate(s.in))
			file := filepath.Join("testdata", name+".yaml")
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("status differs from %s (-rewrite to accept)\n%s", file, got)
			}
		})
	}
}

// summary is the status without what is the same in all cases.
func summary(s v1.PodStatus) string {
	data, err := yaml.Marshal(s)
	if err != nil {
		panic(err)
	}
	var keep []string
	for _, line := range strings.Split(string(data), "\n") {
		if strings.Contains(line, "2026-01-02T03:04:05Z") || strings.Contains(line, "lastProbeTime") || strings.Contains(line, "resources: {}") {
			continue
		}
		keep = append(keep, line)
	}
	return strings.Join(keep, "\n")
}
