package objects

import (
	"context"
	"sync"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// watched is one object under watch.
type watched struct {
	users  int // guarded by the manager's lock
	cancel context.CancelFunc
	done   chan struct{}
	synced func() bool

	mu     sync.Mutex
	latest runtime.Object
	frozen bool // immutable: the value will never change, the watch is over
}

func start(client kubernetes.Interface, k key, changed func()) *watched {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watched{cancel: cancel, done: make(chan struct{})}
	set := func(o runtime.Object) {
		w.mu.Lock()
		w.latest = o
		if o != nil && immutable(o) {
			w.frozen = true
			cancel()
		}
		w.mu.Unlock()
		changed()
	}
	lw, kind := listWatch(client, k)
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: lw, ObjectType: kind,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { set(o.(runtime.Object)) },
			UpdateFunc: func(_, o any) { set(o.(runtime.Object)) },
			DeleteFunc: func(any) { set(nil) },
		},
		Transform: dropManagedFields,
	})
	w.synced = controller.HasSynced
	go func() {
		defer close(w.done)
		controller.RunWithContext(ctx)
	}()
	return w
}

func (w *watched) stop() {
	w.cancel()
	<-w.done
}

// value returns the object (nil when it does not exist) and whether the watch knows.
func (w *watched) value() (runtime.Object, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.latest != nil || w.frozen {
		return w.latest, true
	}
	return nil, w.synced()
}

func immutable(o runtime.Object) bool {
	switch t := o.(type) {
	case *v1.ConfigMap:
		return t.Immutable != nil && *t.Immutable
	case *v1.Secret:
		return t.Immutable != nil && *t.Immutable
	}
	return false
}

func dropManagedFields(o any) (any, error) {
	if m, ok := o.(metav1.Object); ok {
		m.SetManagedFields(nil)
	}
	return o, nil
}

func listWatch(client kubernetes.Interface, k key) (cache.ListerWatcher, runtime.Object) {
	only := fields.OneTermEqualSelector("metadata.name", k.name).String()
	if k.kind == configMap {
		api := client.CoreV1().ConfigMaps(k.namespace)
		return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				o.FieldSelector = only
				return api.List(ctx, o)
			},
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				o.FieldSelector = only
				return api.Watch(ctx, o)
			},
		}, client), &v1.ConfigMap{}
	}
	api := client.CoreV1().Secrets(k.namespace)
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = only
			return api.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = only
			return api.Watch(ctx, o)
		},
	}, client), &v1.Secret{}
}
