package podworker

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	critesting "k8s.io/cri-api/pkg/apis/testing"

	"tiphys.dev/tiphys/pkg/kubelet/image"
	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/podstatus"
)

// node is a kubelet's pod path on the published fake runtime; everything else remembers what it was asked.
type node struct {
	t       *testing.T
	runtime *critesting.FakeRuntimeService
	m       *Manager
	obs     *observe.Observer
	events  *record.FakeRecorder

	mu       sync.Mutex
	statuses map[types.UID]v1.PodStatus
	deleted  map[types.UID]bool
	did      []string
	maps     map[string]*v1.ConfigMap
	changed  chan struct{}
}

func (n *node) note(what string) { n.mu.Lock(); n.did = append(n.did, what); n.mu.Unlock() }

func (n *node) Set(pod *v1.Pod, s v1.PodStatus) {
	n.mu.Lock()
	n.statuses[pod.UID] = s
	n.mu.Unlock()
	select {
	case n.changed <- struct{}{}:
	default:
	}
}
func (n *node) Delete(pod *v1.Pod) {
	n.mu.Lock()
	n.deleted[pod.UID] = true
	n.mu.Unlock()
	select {
	case n.changed <- struct{}{}:
	default:
	}
}
func (n *node) Forget(types.UID) {}

func (n *node) ConfigMap(_ context.Context, _, name string) (*v1.ConfigMap, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if m := n.maps[name]; m != nil {
		return m, nil
	}
	return nil, apierrors.NewNotFound(v1.Resource("configmaps"), name)
}
func (n *node) Secret(_ context.Context, _, name string) (*v1.Secret, error) {
	return nil, apierrors.NewNotFound(v1.Resource("secrets"), name)
}
func (n *node) Register(*v1.Pod)                                        {}
func (n *node) Unregister(types.UID)                                    {}
func (n *node) Stopping(types.UID)                                      {}
func (n *node) PodDNS(*v1.Pod) (*runtimeapi.DNSConfig, error)           { return nil, nil }
func (n *node) PodHostname(p *v1.Pod, _ string) (string, string, error) { return p.Name, "", nil }
func (n *node) KernelHostname(_ *v1.Pod, h, _ string) (string, error)   { return h, nil }
func (n *node) HostsFile(*v1.Pod, []string, string, string) ([]byte, error) {
	return []byte("hosts"), nil
}

type fakeVolumes struct{ n *node }

func (f fakeVolumes) Mount(context.Context, *v1.Pod) error { f.n.note("mount"); return nil }
func (f fakeVolumes) ContainerMounts(*v1.Pod, *v1.Container, map[string]string) ([]*runtimeapi.Mount, error) {
	return nil, nil
}
func (f fakeVolumes) Devices(*v1.Pod, *v1.Container) ([]*runtimeapi.Device, error) { return nil, nil }
func (f fakeVolumes) Resync(context.Context, *v1.Pod) error                        { return nil }
func (f fakeVolumes) Unmount(context.Context, types.UID) error                     { f.n.note("unmount"); return nil }
func (f fakeVolumes) RemovePodDir(types.UID) error                                 { f.n.note("remove dir"); return nil }

type fakeCgroups struct{ n *node }

func (f fakeCgroups) EnsurePod(context.Context, *v1.Pod) (string, error) { return "/pods", nil }
func (f fakeCgroups) UpdatePod(context.Context, *v1.Pod) error           { return nil }
func (f fakeCgroups) GrowPod(context.Context, *v1.Pod) error             { return nil }
func (f fakeCgroups) RemovePod(context.Context, types.UID) error {
	f.n.note("remove cgroup")
	return nil
}

type fakeProbes struct{}

func (fakeProbes) Track(*v1.Pod, string, []Tracked) {}
func (fakeProbes) Stopping(types.UID)               {}
func (fakeProbes) Remove(types.UID)                 {}
func (fakeProbes) Get(types.UID, string, string, ProbeKind) (success, known bool) {
	return false, false
}

func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{t: t, runtime: critesting.NewFakeRuntimeService(), events: record.NewFakeRecorder(1000),
		statuses: map[types.UID]v1.PodStatus{}, deleted: map[types.UID]bool{}, maps: map[string]*v1.ConfigMap{}, changed: make(chan struct{}, 1)}
	images := critesting.NewFakeImageService()
	images.SetFakeImages([]string{"img:1"})
	var err error
	if n.obs, err = observe.New(observe.Config{Runtime: n.runtime, OnChange: func(uid types.UID) { n.m.Wake(uid) }}); err != nil {
		t.Fatal(err)
	}
	puller, err := image.New(image.Config{Images: images})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	n.m, err = New(Config{NodeName: "n", Hostname: "n", RootDir: dir, LogsDir: dir + "/logs", Runtime: n.runtime, ImageStatus: images,
		RuntimeName: "fake", Observer: n.obs, Images: puller, Objects: n, Volumes: fakeVolumes{n}, Cgroups: fakeCgroups{n}, DNS: n,
		Probes: fakeProbes{}, Reporter: n, Recorder: n.events, PodStarted: func(time.Duration) { n.note("started") }})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *node) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = n.m.Run(ctx) }()
	stop = func() { cancel(); <-done }
	n.t.Cleanup(stop)
	return stop
}

// until waits for a condition on what was reported.
func (n *node) until(what string, ok func() bool) {
	n.t.Helper()
	deadline := time.After(8 * time.Second)
	for {
		n.mu.Lock()
		done := ok()
		n.mu.Unlock()
		if done {
			return
		}
		select {
		case <-n.changed:
		case <-time.After(20 * time.Millisecond): // work that is noted without a status
		case <-deadline:
			n.mu.Lock()
			defer n.mu.Unlock()
			n.t.Fatalf("waiting for %s: did %v, statuses %+v, calls %v", what, n.did, n.statuses, n.runtime.GetCalls())
		}
	}
}

// exit ends a container behind the kubelet's back.
func (n *node) exit(uid types.UID, name string, code int32) {
	n.t.Helper()
	c := n.obs.Get(uid).Container(name)
	if c == nil {
		n.t.Fatalf("no container %s", name)
	}
	n.runtime.Lock()
	f := n.runtime.Containers[c.ID]
	f.State, f.ExitCode, f.FinishedAt = runtimeapi.ContainerState_CONTAINER_EXITED, code, time.Now().UnixNano()
	n.runtime.Unlock()
	if _, err := n.obs.Refresh(context.Background(), uid); err != nil {
		n.t.Fatal(err)
	}
}

func testPod(policy v1.RestartPolicy) *v1.Pod {
	zero := int64(1)
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: "u1"}, Spec: v1.PodSpec{RestartPolicy: policy,
		TerminationGracePeriodSeconds: &zero, Containers: []v1.Container{{Name: "c", Image: "img:1", ImagePullPolicy: v1.PullIfNotPresent}}}}
}

func (n *node) phase(p v1.PodPhase) func() bool {
	return func() bool { return n.statuses["u1"].Phase == p }
}

func TestPodRunsAndIsDeleted(t *testing.T) {
	n := newNode(t)
	n.run()
	pod := testPod(v1.RestartPolicyAlways)
	n.m.Set(pod)
	n.until("running", n.phase(v1.PodRunning))

	gone := pod.DeepCopy()
	one := int64(1)
	gone.DeletionTimestamp, gone.DeletionGracePeriodSeconds = &metav1.Time{Time: time.Now()}, &one
	n.m.Set(gone)
	n.until("deletion in the API", func() bool { return n.deleted["u1"] })
	n.mu.Lock()
	if !slices.Contains(n.did, "unmount") || !slices.Contains(n.did, "remove cgroup") {
		t.Errorf("deleted before it was cleaned up: %v", n.did)
	}
	if s := n.statuses["u1"]; s.ContainerStatuses[0].State.Terminated == nil {
		t.Errorf("last status without end of container: %+v", s.ContainerStatuses[0].State)
	}
	n.mu.Unlock()
	n.m.Remove("u1")
	n.until("removal of everything", func() bool { return slices.Contains(n.did, "remove dir") })
	n.until("end of worker", func() bool { return !n.m.Known("u1") })
	if left := n.obs.Get("u1"); !left.Empty() {
		t.Errorf("left in the runtime: %+v", left)
	}
}

func TestFinishedPodKeepsItsContainers(t *testing.T) {
	n := newNode(t)
	n.run()
	n.m.Set(testPod(v1.RestartPolicyNever))
	n.until("running", n.phase(v1.PodRunning))
	n.exit("u1", "c", 0)
	n.until("succeeded", n.phase(v1.PodSucceeded))
	n.until("cleaned", func() bool { return slices.Contains(n.did, "remove cgroup") })
	if n.obs.Get("u1").Container("c") == nil {
		t.Error("the container, and with it the log, is gone")
	}
}

func TestRestartOfKubeletRestartsNothing(t *testing.T) {
	n := newNode(t)
	stop := n.run()
	pod := testPod(v1.RestartPolicyAlways)
	n.m.Set(pod)
	n.until("running", n.phase(v1.PodRunning))
	stop()
	before := len(n.obs.Get("u1").Containers)

	cfg := n.m.cfg
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.m = m
	n.mu.Lock()
	seen := pod.DeepCopy()
	seen.Status = n.statuses["u1"]
	n.statuses = map[types.UID]v1.PodStatus{}
	n.mu.Unlock()
	n.run()
	n.m.Set(seen)
	n.until("running again", n.phase(v1.PodRunning))
	n.until("volumes mounted again", func() bool {
		count := 0
		for _, d := range n.did {
			if d == "mount" {
				count++
			}
		}
		return count == 2
	})
	n.mu.Lock()
	if got := strings.Count(strings.Join(n.did, ","), "started"); got != 1 {
		t.Errorf("the pod was said to have started %d times", got)
	}
	n.mu.Unlock()
	if after := len(n.obs.Get("u1").Containers); after != before {
		t.Errorf("%d containers before, %d after", before, after)
	}
}

func TestMissingConfigMapHoldsContainerBackUntilItAppears(t *testing.T) {
	n := newNode(t)
	n.run()
	pod := testPod(v1.RestartPolicyAlways)
	pod.Spec.Containers[0].EnvFrom = []v1.EnvFromSource{{ConfigMapRef: &v1.ConfigMapEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: "cm"}}}}
	n.m.Set(pod)
	n.until("CreateContainerConfigError", func() bool {
		s := n.statuses["u1"].ContainerStatuses
		return len(s) == 1 && s[0].State.Waiting != nil && s[0].State.Waiting.Reason == "CreateContainerConfigError" &&
			s[0].State.Waiting.Message == `configmap "cm" not found`
	})
	n.mu.Lock()
	n.maps["cm"] = &v1.ConfigMap{Data: map[string]string{"A": "1"}}
	n.mu.Unlock()
	n.m.ObjectsChanged([]types.UID{"u1"})
	n.until("running", n.phase(v1.PodRunning))
}

func TestRejectedPodNeverStarts(t *testing.T) {
	n := newNode(t)
	n.m.cfg.Admit = func(*v1.Pod, []*v1.Pod) Decision { return Decision{Reason: "OutOfcpu", Message: "too small"} }
	n.run()
	n.m.Set(testPod(v1.RestartPolicyAlways))
	n.until("failed", n.phase(v1.PodFailed))
	if s := n.statuses["u1"]; s.Reason != "OutOfcpu" || !strings.Contains(s.Message, "too small") {
		t.Errorf("reason %q, message %q", s.Reason, s.Message)
	}
	if calls := n.runtime.GetCalls(); slices.Contains(calls, "RunPodSandbox") {
		t.Errorf("started all the same: %v", calls)
	}
}

func TestOrphanIsRemovedOnceSourcesAreKnown(t *testing.T) {
	n := newNode(t)
	stop := n.run()
	n.m.Set(testPod(v1.RestartPolicyAlways))
	n.until("running", n.phase(v1.PodRunning))
	stop()
	m, err := New(n.m.cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.m = m
	n.run()
	n.m.CleanOrphans([]types.UID{"u1"})
	n.until("removal", func() bool { return slices.Contains(n.did, "remove dir") })
	if left := n.obs.Get("u1"); !left.Empty() {
		t.Errorf("left in the runtime: %+v", left)
	}
}

func TestKillMarksFailed(t *testing.T) {
	n := newNode(t)
	n.run()
	n.m.Set(testPod(v1.RestartPolicyAlways))
	n.until("running", n.phase(v1.PodRunning))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := n.m.Kill(ctx, "u1", Kill{Failure: &podstatus.Failure{Reason: "Evicted", Message: "low on memory"}}); err != nil {
		t.Fatal(err)
	}
	n.until("failed", n.phase(v1.PodFailed))
	if n.statuses["u1"].Reason != "Evicted" {
		t.Errorf("reason %q", n.statuses["u1"].Reason)
	}
}
