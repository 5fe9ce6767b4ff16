package sharedlist

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher/metrics"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/apiserver/pkg/util/flowcontrol"
)

// ahead is how many events wait for a slow client.
const ahead = 100

// Beginnings shares what the watches of a cache begin with (KEP-3157). Each would copy and encode every object there is, as a list does; the events at a
// revision are the same for all, so a watch takes them from the list that others have got, and then follows the cache from that revision.
func (l *Lists) Beginnings(resource schema.GroupResource, prefix string, newObject, newList func() runtime.Object, inner storage.Interface) storage.Interface {
	return &beginnings{source{Interface: inner, lists: l, resource: resource.String(), prefix: prefix, newList: newList}, resource, newObject}
}

type beginnings struct {
	source
	kind      schema.GroupResource
	newObject func() runtime.Object
}

// Watch begins a watch.
func (b *beginnings) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	if !beginsWithAll(ctx, opts) {
		return b.Interface.Watch(ctx, key, opts)
	}
	all := storage.ListOptions{ResourceVersion: opts.ResourceVersion, Predicate: opts.Predicate, Recursive: opts.Recursive}
	if all.ResourceVersion != "" {
		all.ResourceVersionMatch = metav1.ResourceVersionMatchNotOlderThan
	}
	q := b.question(key, all)
	if !sharable(all) || !b.worthwhile(q) {
		return b.Interface.Watch(ctx, key, opts)
	}
	a, err := b.answer(ctx, q, all)
	// What is small, or cannot be listed, the cache does as well, or says why not.
	if err != nil || a.encoded == nil {
		return b.Interface.Watch(ctx, key, opts)
	}
	items, err := a.all()
	if err != nil {
		return nil, err
	}
	end, err := b.bookmark(a.version)
	if err != nil {
		return nil, err
	}
	w := &beginning{events: make(chan watch.Event, ahead)}
	w.ctx, w.cancel = context.WithCancel(ctx)
	opts.ResourceVersion, opts.ResourceVersionMatch, opts.SendInitialEvents = a.version, "", nil
	go w.run(items, end, func() (watch.Interface, error) {
		metrics.InitCounter.WithLabelValues(b.kind.Group, b.kind.Resource).Add(float64(len(items)))
		return b.Interface.Watch(w.ctx, key, opts)
	})
	return w, nil
}

// beginsWithAll tells that a client asks for all objects, a bookmark, and what comes then. Callers in this process may change what they get.
func beginsWithAll(ctx context.Context, opts storage.ListOptions) bool {
	return ctx.Value(watchKey{}) != nil && opts.SendInitialEvents != nil && *opts.SendInitialEvents &&
		opts.Predicate.AllowWatchBookmarks && !opts.ProgressNotify && utilfeature.DefaultFeatureGate.Enabled(features.WatchList)
}

// bookmark says that all objects at a version have been sent.
func (b *beginnings) bookmark(version string) (watch.Event, error) {
	o := b.newObject()
	m, err := meta.Accessor(o)
	if err != nil {
		return watch.Event{}, err
	}
	m.SetResourceVersion(version)
	m.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	return watch.Event{Type: watch.Bookmark, Object: o}, nil
}

// beginning is a watch that begins with shared objects.
type beginning struct {
	cancel context.CancelFunc
	ctx    context.Context
	events chan watch.Event
}

// Stop ends the watch.
func (w *beginning) Stop() { w.cancel() }

// ResultChan is closed when the watch has ended.
func (w *beginning) ResultChan() <-chan watch.Event { return w.events }

func (w *beginning) run(items []*item, end watch.Event, follow func() (watch.Interface, error)) {
	defer close(w.events)
	for _, i := range items {
		if !w.send(watch.Event{Type: watch.Added, Object: i}) {
			return
		}
	}
	if !w.send(end) {
		return
	}
	flowcontrol.WatchInitialized(w.ctx)
	rest, err := follow()
	if err != nil {
		w.send(watch.Event{Type: watch.Error, Object: status(err)})
		return
	}
	defer rest.Stop()
	for event := range rest.ResultChan() {
		if !w.send(event) {
			return
		}
	}
}

func (w *beginning) send(event watch.Event) bool {
	select {
	case w.events <- event:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// status is an error as clients are told.
func status(err error) *metav1.Status {
	var known apierrors.APIStatus
	if !errors.As(err, &known) {
		known = apierrors.NewInternalError(err)
	}
	s := known.Status()
	return &s
}
