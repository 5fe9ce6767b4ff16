package informer

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/tools/cache"
)

// Direct lists and watches in the storage of the API server of this process. It outlives the server: one that takes the place of
// another serves its own storage, and informers find their way to it as they do after a lost connection.
//
// What comes out shares what it points to with the watch cache, where it can: an object lives once in this process, however many informers know
// it. It is not to be changed, as ever with objects of an informer. It has no managedFields, which no component reads and which make up much of
// an object.
type Direct struct {
	served atomic.Pointer[map[reflect.Type]reader]
}

// reader is what an informer needs of the storage of a resource.
type reader interface {
	rest.Getter
	rest.Lister
	rest.Watcher
}

// Serve makes these the storages that are read from now on. Those that can not be listed and watched are passed over.
func (d *Direct) Serve(all []rest.Storage) {
	served := make(map[reflect.Type]reader, len(all))
	for _, one := range all {
		if s, ok := one.(reader); ok {
			served[reflect.TypeOf(one.New())] = s
		}
	}
	d.served.Store(&served)
}

// errNotServed is met before the API server has its storages.
var errNotServed = errors.New("the API server of this process does not serve this kind yet")

// kind lists and watches the objects of one Go type. It is a cache.ListerWatcher.
type kind struct {
	direct *Direct
	of     reflect.Type
}

// IsWatchListSemanticsUnSupported tells the reflector to list and then to watch: a list costs no encoding here, and nothing has
// to be spread over time.
func (kind) IsWatchListSemanticsUnSupported() bool { return true }

// List is ListWithContext without an end.
func (k kind) List(options metav1.ListOptions) (runtime.Object, error) {
	return k.ListWithContext(context.Background(), options)
}

// Watch is WatchWithContext without an end but Stop.
func (k kind) Watch(options metav1.ListOptions) (watch.Interface, error) {
	return k.WatchWithContext(context.Background(), options)
}

// ListWithContext returns all objects.
func (k kind) ListWithContext(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	wanted, err := internalOptions(options)
	if err != nil {
		return nil, err
	}
	var list runtime.Object
	err = k.whenReady(ctx, func(ctx context.Context, s reader) (err error) {
		list, err = s.List(ctx, wanted)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ownList(list)
}

// ownList is a list with items of its own, which share what they point to. The list itself is also that of requests that ask for the same.
func ownList(list runtime.Object) (runtime.Object, error) {
	from := reflect.ValueOf(list).Elem()
	own := reflect.New(from.Type())
	own.Elem().Set(from)
	items := from.FieldByName("Items")
	if items.Kind() != reflect.Slice {
		return nil, fmt.Errorf("a %T has no items", list)
	}
	copied := reflect.MakeSlice(items.Type(), items.Len(), items.Len())
	reflect.Copy(copied, items)
	own.Elem().FieldByName("Items").Set(copied)
	out := own.Interface().(runtime.Object)
	return out, meta.EachListItem(out, withoutManagedFields)
}

// WatchWithContext returns what changes from options.ResourceVersion on.
func (k kind) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	// Bookmarks save a new list after a lost connection. There is none here, and each of them wakes half a dozen goroutines.
	options.AllowWatchBookmarks = false
	wanted, err := internalOptions(options)
	if err != nil {
		return nil, err
	}
	// The storage ends a watch with its context, not with Stop.
	ctx, stop := context.WithCancel(ctx)
	w := &ownWatch{stop: stop, events: make(chan watch.Event)}
	err = k.whenReady(ctx, func(ctx context.Context, s reader) (err error) {
		w.held = s
		w.inner, err = s.Watch(ctx, wanted)
		return err
	})
	if err != nil {
		stop()
		return nil, err
	}
	go w.run(ctx)
	return w, nil
}

// whenReady asks as soon as the storage answers. Watch caches refuse while they fill.
func (k kind) whenReady(ctx context.Context, ask func(context.Context, reader) error) error {
	ctx = request.WithNamespace(ctx, metav1.NamespaceAll)
	pause := wait.Backoff{Duration: 5 * time.Millisecond, Factor: 2, Steps: 1 << 10, Cap: time.Second}
	for {
		err := errNotServed
		if s, served := k.storage(); served {
			err = ask(ctx, s)
		}
		if !errors.Is(err, errNotServed) && !apierrors.IsTooManyRequests(err) {
			return err
		}
		timer := time.NewTimer(pause.Step())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(err, ctx.Err())
		}
	}
}

func (k kind) storage() (reader, bool) {
	served := k.direct.served.Load()
	if served == nil {
		return nil, false
	}
	s, ok := (*served)[k.of]
	return s, ok
}

// ownWatch hands on events whose objects the receiver may keep.
type ownWatch struct {
	inner  watch.Interface
	held   rest.Getter
	stop   context.CancelFunc
	events chan watch.Event
}

// Stop ends the watch; its channel is closed soon after.
func (w *ownWatch) Stop() { w.stop() }

// ResultChan is closed when the watch has ended.
func (w *ownWatch) ResultChan() <-chan watch.Event { return w.events }

func (w *ownWatch) run(ctx context.Context) {
	defer close(w.events)
	defer w.stop()
	defer w.inner.Stop()
	for event := range w.inner.ResultChan() {
		select {
		case w.events <- w.own(ctx, event):
		case <-ctx.Done():
			return
		}
	}
}

// own makes what an event carries the receiver's. The watch cache lets many watchers share an object that keeps its encodings, and copies
// all of it for those who want the object. What the cache holds is the same object, as long as no newer state has come.
func (w *ownWatch) own(ctx context.Context, event watch.Event) watch.Event {
	if event.Type == watch.Error {
		return event
	}
	if shared, ok := event.Object.(runtime.CacheableObject); ok {
		event.Object = w.current(ctx, event)
		if event.Object == nil {
			event.Object = shared.GetObject()
		}
	}
	_ = withoutManagedFields(event.Object)
	return event
}

// current is the object of an event as the cache holds it; nil if that is another state.
func (w *ownWatch) current(ctx context.Context, event watch.Event) runtime.Object {
	m, ok := event.Object.(metav1.Object)
	if !ok || event.Type == watch.Deleted {
		return nil
	}
	found, err := w.held.Get(request.WithNamespace(ctx, m.GetNamespace()), m.GetName(), &metav1.GetOptions{ResourceVersion: "0"})
	if err != nil {
		return nil
	}
	if f, err := meta.Accessor(found); err != nil || f.GetUID() != m.GetUID() || f.GetResourceVersion() != m.GetResourceVersion() {
		return nil
	}
	return found
}

func withoutManagedFields(object runtime.Object) error {
	m, err := meta.Accessor(object)
	if err == nil {
		m.SetManagedFields(nil)
	}
	return err
}

// internalOptions are the options as the storage takes them.
func internalOptions(options metav1.ListOptions) (*internalversion.ListOptions, error) {
	out := &internalversion.ListOptions{}
	return out, internalversion.Convert_v1_ListOptions_To_internalversion_ListOptions(&options, out, nil)
}

var _ cache.ListerWatcherWithContext = kind{}
