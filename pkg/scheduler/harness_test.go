package scheduler

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// cluster is an API server reduced to what scheduling touches: pods and nodes that are watched, bindings that come back as
// updates, status patches and events that are counted.
type cluster struct {
	client *fake.Clientset
	nodes  *watch.FakeWatcher
	podsW  *watch.FakeWatcher

	mu      sync.Mutex
	pods    map[types.NamespacedName]*v1.Pod
	version int
	bound   int
	changed *sync.Cond
	patches []string
}

func newCluster() *cluster {
	c := &cluster{
		client: fake.NewClientset(), nodes: watch.NewFakeWithChanSize(200000, false), podsW: watch.NewFakeWithChanSize(400000, false),
		pods: map[types.NamespacedName]*v1.Pod{},
	}
	c.changed = sync.NewCond(&c.mu)
	c.client.PrependWatchReactor("nodes", clienttesting.DefaultWatchReactor(c.nodes, nil))
	c.client.PrependWatchReactor("pods", clienttesting.DefaultWatchReactor(c.podsW, nil))
	c.client.PrependReactor("create", "pods", c.bind)
	c.client.PrependReactor("patch", "pods", c.patch)
	c.client.PrependReactor("create", "events", c.note)
	c.client.PrependReactor("delete", "pods", c.remove)
	return c
}

func (c *cluster) bind(action clienttesting.Action) (bool, runtime.Object, error) {
	if action.GetSubresource() != "binding" {
		return false, nil, nil
	}
	binding := action.(clienttesting.CreateAction).GetObject().(*v1.Binding)
	c.mu.Lock()
	defer c.mu.Unlock()
	key := types.NamespacedName{Namespace: binding.Namespace, Name: binding.Name}
	pod, ok := c.pods[key]
	if !ok {
		return true, nil, fmt.Errorf("no pod %s", key)
	}
	if pod.Spec.NodeName != "" {
		return true, nil, fmt.Errorf("pod %s is bound already", key)
	}
	updated := *pod
	updated.Spec.NodeName = binding.Target.Name
	c.store(&updated)
	c.podsW.Modify(&updated)
	c.bound++
	c.changed.Broadcast()
	return true, nil, nil
}

func (c *cluster) store(pod *v1.Pod) {
	c.version++
	pod.ResourceVersion = fmt.Sprint(c.version)
	c.pods[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}] = pod
}

func (c *cluster) patch(action clienttesting.Action) (bool, runtime.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	patch := action.(clienttesting.PatchAction)
	c.patches = append(c.patches, string(patch.GetPatch()))
	c.changed.Broadcast()
	return true, &v1.Pod{}, nil
}

func (c *cluster) note(action clienttesting.Action) (bool, runtime.Object, error) {
	return true, action.(clienttesting.CreateAction).GetObject(), nil
}

func (c *cluster) remove(action clienttesting.Action) (bool, runtime.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	del := action.(clienttesting.DeleteAction)
	key := types.NamespacedName{Namespace: del.GetNamespace(), Name: del.GetName()}
	if pod, ok := c.pods[key]; ok {
		delete(c.pods, key)
		c.podsW.Delete(pod)
	}
	c.changed.Broadcast()
	return true, nil, nil
}

func (c *cluster) addPod(pod *v1.Pod) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store(pod)
	c.podsW.Add(pod)
}

func (c *cluster) deletePod(name string) {
	_ = c.client.CoreV1().Pods("default").Delete(context.Background(), name, metav1.DeleteOptions{})
}

// until waits for a condition on what the API server saw.
func (c *cluster) until(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.AfterFunc(60*time.Second, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	defer deadline.Stop()
	start := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !done() {
		if time.Since(start) > 59*time.Second {
			t.Fatalf("waited too long for %s; %d bound", what, c.bound)
		}
		c.changed.Wait()
	}
}

func (c *cluster) nodeOf(name string) string {
	pod, ok := c.pods[types.NamespacedName{Namespace: "default", Name: name}]
	if !ok {
		return ""
	}
	return pod.Spec.NodeName
}

// start runs a scheduler on the cluster until the test ends.
func (c *cluster) start(t testing.TB, cfg Config) *Scheduler {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cfg.Client, cfg.StartInformers = c.client, true
	cfg.Informers = informers.NewSharedInformerFactory(c.client, 0)
	s, err := New(ctx, cfg)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		cfg.Informers.Shutdown()
	})
	return s
}

func makeNode(name string, labels map[string]string) *v1.Node {
	all := map[string]string{v1.LabelHostname: name}
	for key, value := range labels {
		all[key] = value
	}
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: all},
		Status: v1.NodeStatus{Allocatable: v1.ResourceList{
			v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("32Gi"), v1.ResourcePods: resource.MustParse("110"),
		}},
	}
}

func makePod(name, cpu string, change ...func(*v1.Pod)) *v1.Pod {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID(name), Labels: map[string]string{"app": "a"}},
		Spec: v1.PodSpec{
			SchedulerName: v1.DefaultSchedulerName,
			Containers: []v1.Container{{Name: "c", Image: "pause", Resources: v1.ResourceRequirements{Requests: v1.ResourceList{
				v1.ResourceCPU: resource.MustParse(cpu), v1.ResourceMemory: resource.MustParse("500Mi"),
			}}}},
		},
	}
	for _, one := range change {
		one(pod)
	}
	return pod
}
