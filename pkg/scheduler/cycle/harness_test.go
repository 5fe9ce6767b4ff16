package cycle

import (
	"context"
	"fmt"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	componentmetrics "k8s.io/component-base/metrics"
	fwk "k8s.io/kube-scheduler/framework"
	testingclock "k8s.io/utils/clock/testing"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
	"tiphys.dev/tiphys/pkg/scheduler/config"
	"tiphys.dev/tiphys/pkg/scheduler/metrics"
	"tiphys.dev/tiphys/pkg/scheduler/plugins"
	"tiphys.dev/tiphys/pkg/scheduler/profile"
	"tiphys.dev/tiphys/pkg/scheduler/queue"
)

// bench is a cycle with everything around it but informers: the test plays them.
type bench struct {
	ctx      context.Context
	cache    *cache.Cache
	snapshot *cache.Snapshot
	queue    *queue.Queue
	profile  *profile.Profile
	cycle    *Cycle
	clock    *testingclock.FakeClock
	log      []string
	pods     map[string]*v1.Pod
	nodes    map[string]*v1.Node
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		ctx: context.Background(), cache: cache.New(nil), snapshot: cache.NewSnapshot(), pods: map[string]*v1.Pod{}, nodes: map[string]*v1.Node{},
		clock: testingclock.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
	}
	client := fake.NewClientset()
	client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		binding := action.(clienttesting.CreateAction).GetObject().(*v1.Binding)
		b.log = append(b.log, fmt.Sprintf("bound %s to %s", binding.Name, binding.Target.Name))
		return true, nil, nil
	})
	factory := informers.NewSharedInformerFactory(client, 0)
	shared := plugins.NewShared(factory)
	m, err := metrics.New(componentmetrics.NewKubeRegistry())
	if err != nil {
		t.Fatal(err)
	}
	scheduling, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	nominator := queue.NewNominator()
	parallelizer := profile.NewParallelizer(1)
	if b.profile, err = profile.New(b.ctx, profile.Config{
		Profile: scheduling.Profiles[0], Registry: plugins.Table(shared), Client: client, Informers: factory, Recorder: &events.FakeRecorder{},
		Snapshot: b.snapshot, Nominator: nominator, Activator: noActivator{}, Waiting: profile.NewWaiting(), Parallelizer: parallelizer,
		DRAManager: shared.DRAManager(), CSIManager: shared.CSIManager(), Metrics: m, Clock: b.clock,
	}); err != nil {
		t.Fatal(err)
	}
	hints, err := queue.NewHints(b.ctx, b.profile.EnqueueExtensions(), b.profile.Unhinted())
	if err != nil {
		t.Fatal(err)
	}
	if b.queue, err = queue.New(queue.Config{
		Less: b.profile.QueueSortPlugin().Less, PreEnqueue: b.profile.RunPreEnqueue, Hints: map[string]*queue.Hints{v1.DefaultSchedulerName: hints},
		InitialBackoff: time.Second, MaxBackoff: 10 * time.Second, MaxUnschedulable: 5 * time.Minute, Nominator: nominator, Metrics: m, Clock: b.clock,
	}); err != nil {
		t.Fatal(err)
	}
	if b.cycle, err = New(Config{
		Queue: b.queue, Cache: b.cache, Snapshot: b.snapshot, Nominator: nominator, Profiles: map[string]*profile.Profile{v1.DefaultSchedulerName: b.profile},
		WriteStatus: b.status, Parallelizer: parallelizer, Metrics: m, Clock: b.clock, Seed: 7,
	}); err != nil {
		t.Fatal(err)
	}
	return b
}

type noActivator struct{ fwk.PodActivator }

func (b *bench) status(pod *v1.Pod, condition *v1.PodCondition, nominating *fwk.NominatingInfo) {
	if condition != nil {
		b.log = append(b.log, fmt.Sprintf("refused %s (%s): %s", pod.Name, condition.Reason, condition.Message))
	}
	if nominating.Mode() == fwk.ModeOverride && nominating.NominatedNodeName != "" {
		b.log = append(b.log, fmt.Sprintf("nominated %s for %s", nominating.NominatedNodeName, pod.Name))
	}
}

// drain schedules until no pod is ready.
func (b *bench) drain(t *testing.T) {
	t.Helper()
	for range 1000 {
		active, backoff, _, _ := b.queue.Pending()
		if active+backoff == 0 {
			return
		}
		pod, err := b.queue.Pop()
		if err != nil {
			t.Fatal(err)
		}
		b.cycle.Schedule(b.ctx, pod)
		b.cycle.Wait()
	}
	t.Fatal("pods are tried again and again")
}

func node(name, cpu string) *v1.Node {
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{v1.LabelHostname: name}},
		Status: v1.NodeStatus{Allocatable: v1.ResourceList{
			v1.ResourceCPU: resource.MustParse(cpu), v1.ResourceMemory: resource.MustParse("8Gi"), v1.ResourcePods: resource.MustParse("20"),
		}},
	}
}

func pod(name, cpu string) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID(name), Labels: map[string]string{"app": "a"}},
		Spec: v1.PodSpec{SchedulerName: v1.DefaultSchedulerName, Containers: []v1.Container{{
			Image: "a", Resources: v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu)}},
		}}},
	}
}
