package eviction

import (
	"context"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/kubelet/evictplan"
)

// world is a node of 1000 bytes of memory and 1000 of disk, and the pods on it.
type world struct {
	*Manager
	freeMemory, freeDisk uint64
	use                  map[string]uint64
	pods                 []*v1.Pod
	done                 []string
	clock                *testingclock.FakeClock
	images               uint64 // what removing images gives back
}

func newWorld(t *testing.T, pods ...*v1.Pod) *world {
	t.Helper()
	w := &world{freeMemory: 500, freeDisk: 500, use: map[string]uint64{}, pods: pods, clock: testingclock.NewFakeClock(time.Now())}
	m, err := New(Config{
		Settings:   evictplan.Settings{Hard: map[string]string{"memory.available": "10%", "nodefs.available": "10%"}},
		Transition: 5 * time.Minute, Clock: w.clock, Recorder: record.NewFakeRecorder(100),
		Summary: func(context.Context, bool) (*statsapi.Summary, error) { return w.summary(), nil },
		Node:    func(context.Context) (*statsapi.NodeStats, error) { return &w.summary().Node, nil },
		Pods:    func() []*v1.Pod { return w.pods },
		Kill: func(_ context.Context, pod *v1.Pod, message string, grace int64, c v1.PodCondition) error {
			w.done = append(w.done, "kill "+pod.Name)
			if c.Type != v1.DisruptionTarget || grace != 1 || message == "" {
				t.Errorf("%s killed with %q grace %d %v", pod.Name, message, grace, c)
			}
			return nil
		},
		ReclaimContainers: func(context.Context) error { w.done = append(w.done, "containers"); return nil },
		ReclaimImages:     func(context.Context) error { w.done = append(w.done, "images"); w.freeDisk += w.images; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	return w
}

func (w *world) summary() *statsapi.Summary {
	s := &statsapi.Summary{}
	s.Node.Memory = &statsapi.MemoryStats{AvailableBytes: ptr.To(w.freeMemory), WorkingSetBytes: ptr.To(1000 - w.freeMemory)}
	s.Node.Fs = &statsapi.FsStats{AvailableBytes: ptr.To(w.freeDisk), CapacityBytes: ptr.To[uint64](1000)}
	for _, pod := range w.pods {
		n := w.use[pod.Name]
		s.Pods = append(s.Pods, statsapi.PodStats{PodRef: statsapi.PodReference{Name: pod.Name, UID: string(pod.UID)},
			Memory: &statsapi.MemoryStats{WorkingSetBytes: &n}, EphemeralStorage: &statsapi.FsStats{UsedBytes: &n},
			VolumeStats: []statsapi.VolumeStats{{Name: "scratch", FsStats: statsapi.FsStats{UsedBytes: &n}}}})
	}
	return s
}

func (w *world) look(t *testing.T, want string) {
	t.Helper()
	w.done = nil
	if err := w.Synchronize(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(w.done, ", "); got != want {
		t.Errorf("did %q, want %q", got, want)
	}
}

func pod(name string, change ...func(*v1.Pod)) *v1.Pod {
	p := &v1.Pod{}
	p.Name, p.UID = name, types.UID("uid-"+name)
	p.Spec.Containers = []v1.Container{{Name: "c"}}
	for _, f := range change {
		f(p)
	}
	return p
}

func critical(p *v1.Pod) { p.Spec.Priority = ptr.To[int32](2_000_000_000) }
func limited(p *v1.Pod) {
	q := resource.MustParse("100")
	p.Spec.Volumes = []v1.Volume{{Name: "scratch", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{SizeLimit: &q}}}}
}
func burstable(p *v1.Pod) {
	p.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse("1m")}
}

func TestMemoryPressure(t *testing.T) {
	w := newWorld(t, pod("small"), pod("big"), pod("vital", critical))
	w.use = map[string]uint64{"small": 10, "big": 300, "vital": 500}
	w.look(t, "")
	w.freeMemory = 50
	w.look(t, "kill big")
	if !w.Conditions().Memory {
		t.Error("no memory pressure")
	}
	for name, want := range map[string]bool{"besteffort": false, "burstable": true, "critical": true} {
		change := map[string]func(*v1.Pod){"besteffort": func(*v1.Pod) {}, "burstable": burstable, "critical": critical}[name]
		if ok, reason, message := w.Admit(pod("new", change)); ok != want || !ok && (reason != "Evicted" || message != "The node had condition: [MemoryPressure]. ") {
			t.Errorf("%s admitted: %v %s %q", name, ok, reason, message)
		}
	}
	w.freeMemory = 500
	w.look(t, "")
	if !w.Conditions().Memory {
		t.Error("the pressure must last for the transition")
	}
	w.clock.Step(6 * time.Minute)
	w.look(t, "")
	if w.Conditions().Memory {
		t.Error("the pressure never ends")
	}
}

// The disk is cleaned of what nobody needs before a pod is touched.
func TestDiskPressure(t *testing.T) {
	w := newWorld(t, pod("a"), pod("b"))
	w.use, w.images = map[string]uint64{"a": 1, "b": 2}, 400
	w.freeDisk = 50
	w.look(t, "containers, images")
	w.look(t, "")
	w.freeDisk, w.images = 50, 0
	w.look(t, "containers, images, kill b")
	if ok, _, _ := w.Admit(pod("new", burstable)); ok {
		t.Error("a pod was admitted under disk pressure")
	}
}

func TestOwnLimit(t *testing.T) {
	w := newWorld(t, pod("within", limited), pod("beyond", limited))
	w.use = map[string]uint64{"within": 99, "beyond": 101}
	w.look(t, "kill beyond")
}
