package informer

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/informers/internalinterfaces"
	"k8s.io/client-go/tools/cache"
)

// View is the shared factory as one run of a component sees it. The informers outlive the run; what the run hung onto
// them does not: when it ends its handlers are taken off, so that a component that is started again is not told everything
// twice, nor the dead one for ever.
type View struct {
	running
	groups
	of informers.SharedInformerFactory

	mu    sync.Mutex
	ended bool
	taken []registration
}

// running is what a view leaves to its factory.
type running interface {
	InformerName() *cache.InformerName
	Start(<-chan struct{})
	StartWithContext(context.Context)
	Shutdown()
	WaitForCacheSync(<-chan struct{}) map[reflect.Type]bool
	WaitForCacheSyncWithContext(context.Context) cache.SyncResult
}

// registration is a handler on an informer.
type registration struct {
	informer cache.SharedIndexInformer
	handle   cache.ResourceEventHandlerRegistration
}

// NewView is a view for one run.
func NewView(of informers.SharedInformerFactory) *View {
	v := &View{running: of, of: of}
	v.groups = groups{of: v}
	return v
}

// End takes all handlers off, and those that a goroutine of the old run still adds.
func (v *View) End() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ended = true
	var errs []error
	for _, r := range v.taken {
		errs = append(errs, r.informer.RemoveEventHandler(r.handle))
	}
	v.taken = nil
	return errors.Join(errs...)
}

// InformerFor is the one informer of the process for a kind.
func (v *View) InformerFor(obj runtime.Object, newFunc internalinterfaces.NewInformerFunc) cache.SharedIndexInformer {
	return &viewedInformer{SharedIndexInformer: v.of.InformerFor(obj, newFunc), view: v}
}

// ForResource is the same by name.
func (v *View) ForResource(resource schema.GroupVersionResource) (informers.GenericInformer, error) {
	generic, err := v.of.ForResource(resource)
	if err != nil {
		return nil, err
	}
	return viewedResource{GenericInformer: generic, view: v}, nil
}

type viewedResource struct {
	informers.GenericInformer
	view *View
}

// Informer is the view's.
func (r viewedResource) Informer() cache.SharedIndexInformer {
	return &viewedInformer{SharedIndexInformer: r.GenericInformer.Informer(), view: r.view}
}

// viewedInformer notes who listens.
type viewedInformer struct {
	cache.SharedIndexInformer
	view *View
}

// AddEventHandler adds one for the life of the view.
func (i *viewedInformer) AddEventHandler(h cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	return i.note(i.SharedIndexInformer.AddEventHandler(h))
}

// AddEventHandlerWithResyncPeriod does the same.
func (i *viewedInformer) AddEventHandlerWithResyncPeriod(h cache.ResourceEventHandler, period time.Duration) (cache.ResourceEventHandlerRegistration, error) {
	return i.note(i.SharedIndexInformer.AddEventHandlerWithResyncPeriod(h, period))
}

// AddEventHandlerWithOptions does the same.
func (i *viewedInformer) AddEventHandlerWithOptions(h cache.ResourceEventHandler, o cache.HandlerOptions) (cache.ResourceEventHandlerRegistration, error) {
	return i.note(i.SharedIndexInformer.AddEventHandlerWithOptions(h, o))
}

func (i *viewedInformer) note(handle cache.ResourceEventHandlerRegistration, err error) (cache.ResourceEventHandlerRegistration, error) {
	if err != nil {
		return nil, err
	}
	i.view.mu.Lock()
	defer i.view.mu.Unlock()
	if i.view.ended {
		return handle, i.SharedIndexInformer.RemoveEventHandler(handle)
	}
	i.view.taken = append(i.view.taken, registration{i.SharedIndexInformer, handle})
	return handle, nil
}

// AddIndexers adds those that an earlier run has not added.
func (i *viewedInformer) AddIndexers(wanted cache.Indexers) error {
	have, missing := i.GetIndexer().GetIndexers(), cache.Indexers{}
	for name, index := range wanted {
		if _, known := have[name]; !known {
			missing[name] = index
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return i.SharedIndexInformer.AddIndexers(missing)
}
