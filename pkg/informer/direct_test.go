package informer

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
)

// pods is the storage of pods as the registry has it: a list whose items share what they point to with the cache, a watch that
// ends with its context.
type pods struct {
	rest.Storage
	mu    sync.Mutex
	ready bool
	// from is the version of the list, and the first that can be watched.
	from   string
	cached []*corev1.Pod
	events chan watch.Event
	ended  chan struct{}
}

func newPods(cached ...*corev1.Pod) *pods {
	return &pods{ready: true, from: "1", cached: cached, events: make(chan watch.Event, 10), ended: make(chan struct{})}
}

func (p *pods) New() runtime.Object     { return &corev1.Pod{} }
func (p *pods) NewList() runtime.Object { return &corev1.PodList{} }

func (p *pods) List(context.Context, *internalversion.ListOptions) (runtime.Object, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ready {
		return nil, apierrors.NewTooManyRequests("storage is (re)initializing", 1)
	}
	list := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: p.from}}
	for _, pod := range p.cached {
		list.Items = append(list.Items, *pod)
	}
	return list, nil
}

func (p *pods) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pod := range p.cached {
		if pod.Name == name && pod.Namespace == request.NamespaceValue(ctx) && options.ResourceVersion == "0" {
			shallow := *pod
			return &shallow, nil
		}
	}
	return nil, apierrors.NewNotFound(corev1.Resource("pods"), name)
}

func (p *pods) Watch(ctx context.Context, options *internalversion.ListOptions) (watch.Interface, error) {
	if options.ResourceVersion != p.from {
		return nil, apierrors.NewResourceExpired("too old resource version")
	}
	out := &podWatch{events: make(chan watch.Event)}
	go func() {
		defer close(out.events)
		for {
			select {
			case e := <-p.events:
				out.events <- e
			case <-ctx.Done():
				return
			case <-p.ended:
				return
			}
		}
	}()
	return out, nil
}

func (p *pods) ConvertToTable(context.Context, runtime.Object, runtime.Object) (*metav1.Table, error) {
	return nil, nil
}

type podWatch struct{ events chan watch.Event }

func (w *podWatch) Stop()                          {}
func (w *podWatch) ResultChan() <-chan watch.Event { return w.events }

// shared is an object that many watchers are given.
type shared struct{ *corev1.Pod }

func (s shared) CacheEncode(runtime.Identifier, func(runtime.Object, io.Writer) error, io.Writer) error {
	return nil
}

func (s shared) GetObject() runtime.Object { return s.DeepCopy() }

func pod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: name, Namespace: "default", ResourceVersion: "1", Labels: map[string]string{"app": name},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}}
}

// start starts an informer of pods on a direct factory.
func start(t *testing.T, d *Direct) cache.SharedIndexInformer {
	life, end := context.WithCancel(t.Context())
	f := New(Config{Life: life, Client: fake.NewClientset(), Direct: d})
	t.Cleanup(func() { end(); f.Close() })
	byName, err := f.ForResource(corev1.SchemeGroupVersion.WithResource("pods"))
	if err != nil {
		t.Fatal(err)
	}
	i := f.Core().V1().Pods().Informer()
	if i != byName.Informer() {
		t.Error("the informer by name is another one")
	}
	f.Start(nil)
	return i
}

func get(t *testing.T, i cache.SharedIndexInformer, name string) *corev1.Pod {
	t.Helper()
	found, ok, err := i.GetStore().GetByKey("default/" + name)
	if err != nil || !ok {
		t.Fatalf("pod %s: found %v, error %v", name, ok, err)
	}
	return found.(*corev1.Pod)
}

// TestDirectSharesWithTheCache reads what a storage has and gets.
func TestDirectSharesWithTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listed, added, behind := pod("a"), pod("b"), pod("c")
		newer := pod("c")
		newer.ResourceVersion = "2"
		storage := newPods(listed)
		d := &Direct{}
		d.Serve([]rest.Storage{storage})
		i := start(t, d)
		synctest.Wait()
		storage.mu.Lock()
		storage.cached = append(storage.cached, added, newer)
		storage.mu.Unlock()
		for _, p := range []*corev1.Pod{added, behind, pod("d")} {
			storage.events <- watch.Event{Type: watch.Added, Object: shared{p}}
		}
		storage.events <- watch.Event{Type: watch.Added, Object: pod("e")}
		synctest.Wait()
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			if got := get(t, i, name); len(got.ManagedFields) != 0 || got.Labels["app"] != name || got.ResourceVersion != "1" {
				t.Errorf("pod %s at %s: managed fields %v, labels %v", name, got.ResourceVersion, got.ManagedFields, got.Labels)
			}
		}
		// One map is one object.
		listed.Labels["shared"], added.Labels["shared"], newer.Labels["shared"] = "yes", "yes", "yes"
		for name, want := range map[string]string{"a": "yes", "b": "yes", "c": ""} {
			if got := get(t, i, name).Labels["shared"]; got != want {
				t.Errorf("pod %s shares its labels with the cache: %q, want %q", name, got, want)
			}
		}
		if len(listed.ManagedFields) != 1 || len(added.ManagedFields) != 1 {
			t.Error("the cache has lost managed fields")
		}
		storage.events <- watch.Event{Type: watch.Deleted, Object: shared{pod("a")}}
		synctest.Wait()
		if keys := i.GetStore().ListKeys(); len(keys) != 4 {
			t.Errorf("after the deletion there are %v", keys)
		}
		close(storage.ended)
	})
}

// TestDirectWaitsForTheServer starts before the server has its storages and before the watch cache is filled, and goes on with
// the next server.
func TestDirectWaitsForTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Direct{}
		i := start(t, d)
		time.Sleep(time.Minute)
		filling := newPods(pod("a"))
		filling.ready = false
		d.Serve([]rest.Storage{filling})
		time.Sleep(time.Minute)
		if i.HasSynced() {
			t.Fatal("synced with a cache that is not filled")
		}
		filling.mu.Lock()
		filling.ready = true
		filling.mu.Unlock()
		time.Sleep(2 * time.Second)
		get(t, i, "a")

		next := newPods(pod("b"))
		next.from = "2"
		d.Serve([]rest.Storage{next})
		close(filling.ended)
		time.Sleep(time.Minute)
		get(t, i, "b")
		if keys := i.GetStore().ListKeys(); len(keys) != 1 {
			t.Errorf("after the change of servers there are %v", keys)
		}
	})
}

// What is not stored in this version, such as the first version of autoscalers, comes over the network.
func TestDirectLeavesOtherVersions(t *testing.T) {
	for name, test := range map[string]struct {
		object runtime.Object
		want   bool
	}{
		"pods":                       {&corev1.Pod{}, true},
		"autoscalers":                {&autoscalingv2.HorizontalPodAutoscaler{}, true},
		"autoscalers, first version": {&autoscalingv1.HorizontalPodAutoscaler{}, false},
	} {
		if got := stored(test.object); got != test.want {
			t.Errorf("%s: stored %v, want %v", name, got, test.want)
		}
	}
}
