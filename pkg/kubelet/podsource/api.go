package podsource

import (
	"context"
	"fmt"
	"sync"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// API watches the pods bound to the node.
type API struct {
	controller cache.Controller
	handler    Handler
}

// NewAPI builds the source.
func NewAPI(client kubernetes.Interface, nodeName string, handler Handler) (*API, error) {
	if nodeName == "" {
		return nil, fmt.Errorf("pod source: no node name")
	}
	only := fields.OneTermEqualSelector("spec.nodeName", nodeName).String()
	pods := client.CoreV1().Pods(metav1.NamespaceAll)
	lw := cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = only
			return pods.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = only
			return pods.Watch(ctx, o)
		},
	}, client)
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: lw, ObjectType: &v1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc: func(o any) { handler.Set(o.(*v1.Pod)) },
			UpdateFunc: func(before, o any) {
				old, pod := before.(*v1.Pod), o.(*v1.Pod)
				if old.UID != pod.UID { // deleted and made again between two looks
					handler.Remove(old.UID)
				}
				handler.Set(pod)
			},
			DeleteFunc: func(o any) {
				if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
					o = gone.Obj
				}
				if pod, ok := o.(*v1.Pod); ok {
					handler.Remove(pod.UID)
				}
			},
		},
		Transform: func(o any) (any, error) {
			if m, ok := o.(metav1.Object); ok {
				m.SetManagedFields(nil)
			}
			return o, nil
		},
	})
	return &API{controller: controller, handler: handler}, nil
}

// Run watches until ctx ends.
func (a *API) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() {
		if cache.WaitForCacheSync(ctx.Done(), a.controller.HasSynced) {
			a.handler.Synced()
		}
	})
	a.controller.RunWithContext(ctx)
	wg.Wait()
	return nil
}
