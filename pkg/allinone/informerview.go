package allinone

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/informers/internalinterfaces"
	"k8s.io/client-go/tools/cache"

	"tiphys.dev/tiphys/pkg/lifecycle"
)

// informerView is the shared factory as one run of a component sees it. The informers outlive the run; what the run hung onto
// them does not: when it ends its handlers are taken off, so that a component that is started again is not told everything
// twice, nor the dead one for ever.
type informerView struct {
	informers.SharedInformerFactory

	mu    sync.Mutex
	ended bool
	taken []registration
}

// registration is a handler on an informer.
type registration struct {
	informer cache.SharedIndexInformer
	handle   cache.ResourceEventHandlerRegistration
}

// watching builds a component with a view of its own for every run.
func (a *assembly) watching(make func(context.Context, *informerView) (lifecycle.Runner, error)) build {
	return func(ctx context.Context) (lifecycle.Runner, error) {
		v := &informerView{SharedInformerFactory: a.informers}
		built := false
		defer func() {
			// After an error, or a panic.
			if !built {
				_ = v.end()
			}
		}()
		r, err := make(ctx, v)
		if err != nil {
			return nil, err
		}
		built = true
		return &watcher{Runner: r, view: v}, nil
	}
}

// watcher ends its view when the component has ended.
type watcher struct {
	lifecycle.Runner
	view *informerView
}

// Ready is the component's, or at once.
func (w *watcher) Ready() <-chan struct{} {
	if r, ok := w.Runner.(lifecycle.Readier); ok {
		return r.Ready()
	}
	return closed()
}

// Run runs the component.
func (w *watcher) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, w.view.end()) }()
	return w.Runner.Run(ctx)
}

// end takes all handlers off, and those that a goroutine of the old run still adds.
func (v *informerView) end() error {
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
func (v *informerView) InformerFor(obj runtime.Object, newFunc internalinterfaces.NewInformerFunc) cache.SharedIndexInformer {
	return &viewedInformer{SharedIndexInformer: v.SharedInformerFactory.InformerFor(obj, newFunc), view: v}
}

// ForResource is the same by name.
func (v *informerView) ForResource(resource schema.GroupVersionResource) (informers.GenericInformer, error) {
	generic, err := v.SharedInformerFactory.ForResource(resource)
	if err != nil {
		return nil, err
	}
	return viewedResource{GenericInformer: generic, view: v}, nil
}

type viewedResource struct {
	informers.GenericInformer
	view *informerView
}

// Informer is the view's.
func (r viewedResource) Informer() cache.SharedIndexInformer {
	return &viewedInformer{SharedIndexInformer: r.GenericInformer.Informer(), view: r.view}
}

// viewedInformer notes who listens.
type viewedInformer struct {
	cache.SharedIndexInformer
	view *informerView
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
