package informer

import (
	"context"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/informers/internalinterfaces"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"tiphys.dev/tiphys/pkg/api/scheme"
)

// Config is how the informers of a process read.
type Config struct {
	// Life ends the informers. One that ended with a component's run could not be used by the next run, nor by the others, so
	// what a component passes to Start does not count.
	Life context.Context
	// Client reaches the API server over the network.
	Client kubernetes.Interface
	// Direct reaches the one in this process; nil where there is none. What it does not serve is read with Client.
	Direct *Direct
}

// Factory is the shared informer factory of a process.
type Factory struct {
	groups
	inner  informers.SharedInformerFactory
	life   context.Context
	direct *Direct
}

// New makes a factory without informers: each is made when somebody asks for it.
func New(c Config) *Factory {
	f := &Factory{life: c.Life, direct: c.Direct}
	f.inner = informers.NewSharedInformerFactoryWithOptions(c.Client, 0, informers.WithTransform(lean))
	f.groups = groups{of: f}
	return f
}

// lean drops managedFields of what came over the network.
func lean(object any) (any, error) {
	if m, err := meta.Accessor(object); err == nil {
		m.SetManagedFields(nil)
	}
	return object, nil
}

// InformerFor is the one informer of the process for a kind; newFunc makes it where it is read over the network.
func (f *Factory) InformerFor(obj runtime.Object, newFunc internalinterfaces.NewInformerFunc) cache.SharedIndexInformer {
	return f.inner.InformerFor(obj, func(client kubernetes.Interface, resync time.Duration) cache.SharedIndexInformer {
		if f.direct == nil || !stored(obj) {
			return newFunc(client, resync)
		}
		return cache.NewSharedIndexInformerWithOptions(kind{direct: f.direct, of: reflect.TypeOf(obj)}, obj, cache.SharedIndexInformerOptions{
			ResyncPeriod: resync,
			Indexers:     cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc},
		})
	})
}

// stored tells whether this Go type is what the registry keeps of its kind: its hub version.
func stored(obj runtime.Object) bool {
	kinds, _, err := scheme.Scheme.ObjectKinds(obj)
	if err != nil {
		return false
	}
	for _, k := range kinds {
		if k.Version == runtime.APIVersionInternal {
			return true
		}
	}
	return false
}

// ForResource is the informer of a resource by its name.
func (f *Factory) ForResource(resource schema.GroupVersionResource) (informers.GenericInformer, error) {
	if f.ReadsDirectly(resource) {
		// The first to ask makes the informer; the inner factory would make one that reads over the network.
		f.InformerFor(byResource()[resource], nil)
	}
	return f.inner.ForResource(resource)
}

// ReadsDirectly tells whether the informer of a resource costs no connection, so that there is no use in another that reads less.
func (f *Factory) ReadsDirectly(resource schema.GroupVersionResource) bool {
	obj, known := byResource()[resource]
	return known && f.direct != nil && stored(obj)
}

// byResource are the types of the scheme by the names of their resources.
var byResource = sync.OnceValue(func() map[schema.GroupVersionResource]runtime.Object {
	out := map[schema.GroupVersionResource]runtime.Object{}
	for gvk, of := range scheme.Scheme.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal {
			continue
		}
		if obj, ok := reflect.New(of).Interface().(runtime.Object); ok {
			resource, _ := meta.UnsafeGuessKindToResource(gvk)
			out[resource] = obj
		}
	}
	return out
})

// Start starts what was asked for since, for the life of the process.
func (f *Factory) Start(<-chan struct{}) { f.inner.StartWithContext(f.life) }

// StartWithContext does the same.
func (f *Factory) StartWithContext(context.Context) { f.inner.StartWithContext(f.life) }

// Shutdown does nothing: only the process ends the informers, by Close.
func (f *Factory) Shutdown() {}

// Close waits until all informers have ended, after Life has.
func (f *Factory) Close() { f.inner.Shutdown() }

// InformerName is empty: no metrics are kept by informer.
func (f *Factory) InformerName() *cache.InformerName { return f.inner.InformerName() }

// WaitForCacheSync waits until what was started is filled, or stop is closed.
func (f *Factory) WaitForCacheSync(stop <-chan struct{}) map[reflect.Type]bool {
	return f.inner.WaitForCacheSync(stop)
}

// WaitForCacheSyncWithContext does the same until ctx ends.
func (f *Factory) WaitForCacheSyncWithContext(ctx context.Context) cache.SyncResult {
	return f.inner.WaitForCacheSyncWithContext(ctx)
}

var (
	_ informers.SharedInformerFactory = &Factory{}
	_ informers.SharedInformerFactory = &View{}
)
