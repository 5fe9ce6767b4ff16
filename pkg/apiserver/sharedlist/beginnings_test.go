package sharedlist

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/util/flowcontrol"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
)

// watchedPods is a cache of many pods whose watches send one event after another version.
type watchedPods struct {
	*pods
	asked []storage.ListOptions
	fails error
}

func (p *watchedPods) Watch(ctx context.Context, _ string, opts storage.ListOptions) (watch.Interface, error) {
	p.asked = append(p.asked, opts)
	if p.fails != nil {
		return nil, p.fails
	}
	w := watch.NewFakeWithChanSize(1, false)
	version, _ := strconv.Atoi(opts.ResourceVersion)
	w.Modify(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "later", ResourceVersion: fmt.Sprint(version + 1)}})
	context.AfterFunc(ctx, w.Stop)
	return w, nil
}

func newBeginnings(n int) (storage.Interface, *watchedPods) {
	p := &watchedPods{pods: &pods{n: n}}
	p.revision.Store(7)
	l := New(clocktesting.NewFakeClock(metav1.Now().Time))
	return l.Beginnings(schema.GroupResource{Resource: "pods"}, "/pods", func() runtime.Object { return &corev1.Pod{} }, func() runtime.Object { return &corev1.PodList{} }, p), p
}

func watching(ctx context.Context) context.Context {
	return through(ctx, "watch", "application/json")
}

// through is the context that a request has behind the handler.
func through(ctx context.Context, verb, accept string) context.Context {
	ctx = apirequest.WithRequestInfo(ctx, &apirequest.RequestInfo{IsResourceRequest: true, Verb: verb, Resource: "pods"})
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/pods", nil)
	req.Header.Set("Accept", accept)
	next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })
	New(clocktesting.NewFakeClock(metav1.Now().Time)).Handler(next, false).ServeHTTP(httptest.NewRecorder(), req)
	return ctx
}

func fromBeginning() storage.ListOptions {
	predicate := storage.Everything
	predicate.AllowWatchBookmarks = true
	return storage.ListOptions{ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, SendInitialEvents: ptr.To(true), Recursive: true, Predicate: predicate}
}

func TestWatchesBeginTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, cache := newBeginnings(minItems)
		encodes := 0
		encode := func(o runtime.Object, w io.Writer) error {
			encodes++
			// Encoders put the kind into what they encode.
			o.GetObjectKind().SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
			_, err := io.WriteString(w, o.(*corev1.Pod).Name)
			return err
		}
		for n := range 3 {
			signal := flowcontrol.NewInitializationSignal()
			seated := true
			go func() {
				signal.Wait()
				seated = false
			}()
			w, err := store.Watch(flowcontrol.WithInitializationSignal(watching(t.Context()), signal), "/pods/", fromBeginning())
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			for i := range minItems {
				if i == 0 && !seated {
					t.Error("the seat was left before all was sent")
				}
				e := <-w.ResultChan()
				var bytes bytes.Buffer
				if err := e.Object.(runtime.CacheableObject).CacheEncode("names", encode, &bytes); err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("pod-%d", i); e.Type != watch.Added || bytes.String() != want || e.Object.(metav1.Object).GetName() != want {
					t.Fatalf("watch %d, event %d: %s %s", n, i, e.Type, &bytes)
				}
				if kind := e.Object.(runtime.CacheableObject).GetObject().(*corev1.Pod).Kind; kind != "" {
					t.Fatalf("what one encoder wrote others see: %q", kind)
				}
			}
			end := <-w.ResultChan()
			if pod := end.Object.(*corev1.Pod); end.Type != watch.Bookmark || pod.ResourceVersion != "7" || pod.Annotations[metav1.InitialEventsAnnotationKey] != "true" {
				t.Errorf("the beginning ends with %v", end)
			}
			if e := <-w.ResultChan(); e.Type != watch.Modified || e.Object.(*corev1.Pod).ResourceVersion != "8" {
				t.Errorf("then came %v", e)
			}
			if synctest.Wait(); seated {
				t.Error("the seat is kept")
			}
			w.Stop()
			if _, open := <-w.ResultChan(); open {
				t.Error("it goes on after its end")
			}
		}
		if lists := cache.lists.Load(); lists != 1 || encodes != minItems {
			t.Errorf("%d lists and %d encodings for 3 watches of %d pods", lists, encodes, minItems)
		}
		for _, o := range cache.asked {
			if o.SendInitialEvents != nil || o.ResourceVersion != "7" || o.ResourceVersionMatch != "" {
				t.Errorf("the cache was asked for a watch by %+v", o)
			}
		}
		// There is more by now.
		cache.revision.Store(20)
		w, err := store.Watch(watching(t.Context()), "/pods/", fromBeginning())
		if err != nil {
			t.Fatal(err)
		}
		defer w.Stop()
		for range minItems {
			<-w.ResultChan()
		}
		if end := <-w.ResultChan(); end.Object.(metav1.Object).GetResourceVersion() != "20" {
			t.Errorf("a later watch begins at %v", end)
		}
	})
}

func TestWatchesOfTheCache(t *testing.T) {
	for _, tc := range []struct {
		name string
		pods int
		ctx  func(context.Context) context.Context
		opts func(*storage.ListOptions)
	}{
		{"few objects", minItems - 1, watching, nil},
		{"a caller in this process", minItems, func(ctx context.Context) context.Context { return ctx }, nil},
		{"a table", minItems, func(ctx context.Context) context.Context {
			return through(ctx, "watch", "application/json;as=Table;v=v1;g=meta.k8s.io")
		}, nil},
		{"a list", minItems, func(ctx context.Context) context.Context { return through(ctx, "list", "application/json") }, nil},
		{"from a version", minItems, watching, func(o *storage.ListOptions) { o.SendInitialEvents, o.ResourceVersion = nil, "5" }},
		{"without bookmarks", minItems, watching, func(o *storage.ListOptions) { o.Predicate.AllowWatchBookmarks = false }},
		{"one object", minItems, watching, func(o *storage.ListOptions) { o.Recursive = false }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store, cache := newBeginnings(tc.pods)
			opts := fromBeginning()
			if tc.opts != nil {
				tc.opts(&opts)
			}
			w, err := store.Watch(tc.ctx(t.Context()), "/pods/", opts)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Stop()
			if len(cache.asked) != 1 || cache.asked[0].ResourceVersion != opts.ResourceVersion || (cache.asked[0].SendInitialEvents == nil) != (opts.SendInitialEvents == nil) {
				t.Errorf("the cache was asked %+v", cache.asked)
			}
		})
	}
}

// A client too slow for what the cache remembers is told to begin again.
func TestWatchThatCannotGoOn(t *testing.T) {
	store, cache := newBeginnings(minItems)
	cache.fails = apierrors.NewResourceExpired("too old")
	w, err := store.Watch(watching(t.Context()), "/pods/", fromBeginning())
	if err != nil {
		t.Fatal(err)
	}
	var last watch.Event
	for e := range w.ResultChan() {
		last = e
	}
	if s, ok := last.Object.(*metav1.Status); !ok || last.Type != watch.Error || s.Code != 410 || s.Reason != metav1.StatusReasonExpired {
		t.Errorf("it ends with %v", last)
	}
}

func TestHeader(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}}
	own := header(pod).(*corev1.Pod)
	own.Kind = "Pod"
	if own.Labels["c"] = "d"; pod.Kind != "" || pod.Labels["c"] != "d" {
		t.Errorf("typed: %v and %v", pod, own)
	}
	widget := &unstructured.Unstructured{Object: map[string]any{"kind": "Widget"}}
	if header(widget).(*unstructured.Unstructured).SetKind("Other"); widget.GetKind() != "Widget" {
		t.Error("a custom resource is not copied")
	}
}
