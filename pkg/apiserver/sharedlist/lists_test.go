package sharedlist

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
	clocktesting "k8s.io/utils/clock/testing"
)

// pods is a storage of many pods at a revision.
type pods struct {
	storage.Interface
	n        int
	revision atomic.Int64
	lists    atomic.Int64
	// slow, when set, holds a full list up.
	slow chan struct{}
}

func (p *pods) GetList(_ context.Context, key string, opts storage.ListOptions, into runtime.Object) error {
	list := into.(*corev1.PodList)
	list.ResourceVersion = strconv.FormatInt(p.revision.Load(), 10)
	if strings.HasSuffix(key, "/~") {
		return nil
	}
	p.lists.Add(1)
	if p.slow != nil {
		<-p.slow
	}
	for i := range p.n {
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pod-%d", i), Namespace: "default", Annotations: map[string]string{"a": strings.Repeat("x", 100)}}}
		if opts.Predicate.Label.Matches(labels.Set(pod.Labels)) {
			list.Items = append(list.Items, pod)
		}
	}
	return nil
}

// counting is an encoder that counts.
type counting struct {
	runtime.NegotiatedSerializer
	encodes atomic.Int64
}

func (c *counting) EncoderForVersion(runtime.Encoder, runtime.GroupVersioner) runtime.Encoder {
	return c
}
func (c *counting) Identifier() runtime.Identifier { return "names" }
func (c *counting) Encode(obj runtime.Object, w io.Writer) error {
	c.encodes.Add(1)
	list := obj.(*corev1.PodList)
	for _, p := range list.Items {
		if _, err := io.WriteString(w, p.Name+p.Annotations["a"]+"\n"); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, list.ResourceVersion)
	return err
}

// server is all three parts with a stand-in for the API between them.
type server struct {
	http.Handler
	lists  *Lists
	pods   *pods
	coder  *counting
	clock  *clocktesting.FakeClock
	option func(*storage.ListOptions)
}

func newServer(t *testing.T, n int) *server {
	s := &server{pods: &pods{n: n}, coder: &counting{}, clock: clocktesting.NewFakeClock(time.Now()), option: func(*storage.ListOptions) {}}
	s.pods.revision.Store(7)
	s.lists = New(s.clock)
	open := generic.StorageDecorator(func(*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error), func() runtime.Object, func() runtime.Object,
		storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
		return s.pods, func() {}, nil
	})
	config := &storagebackend.ConfigForResource{GroupResource: schema.GroupResource{Resource: "pods"}}
	store, _, err := s.lists.Decorate(open)(config, "/pods", nil, nil, func() runtime.Object { return &corev1.PodList{} }, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	encoder := s.lists.Serializer(s.coder).EncoderForVersion(nil, nil)
	api := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		opts := storage.ListOptions{ResourceVersion: "0", Recursive: true, Predicate: storage.SelectionPredicate{Label: labels.Everything(), Field: fields.Everything()}}
		s.option(&opts)
		list := &corev1.PodList{}
		if err := store.GetList(req.Context(), "/pods/", opts, list); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if err := encoder.Encode(list, &late{w: w}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	handler := s.lists.Handler(api, true)
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		info := &apirequest.RequestInfo{IsResourceRequest: true, Verb: "list", Resource: "pods"}
		handler.ServeHTTP(w, req.WithContext(apirequest.WithRequestInfo(req.Context(), info)))
	})
	return s
}

// late writes the header with the first byte, as the generic API server does.
type late struct {
	w       http.ResponseWriter
	started bool
}

func (l *late) Write(p []byte) (int, error) {
	if !l.started {
		l.w.WriteHeader(http.StatusOK)
		l.started = true
	}
	return l.w.Write(p)
}

// get returns the body as a client understands it.
func (s *server) get(t *testing.T, header ...string) (body, encoding string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/pods", nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	r := io.Reader(rec.Body)
	encoding = rec.Header().Get("Content-Encoding")
	if encoding == "gzip" {
		z, err := gzip.NewReader(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String(), encoding
}

func TestEqualListsShareObjectsAndBytes(t *testing.T) {
	s := newServer(t, 3000)
	steps := []struct {
		name           string
		do             func()
		header         []string
		encoding       string
		lists, encodes int64
	}{
		{"the first", nil, []string{"Accept-Encoding", "deflate, gzip"}, "gzip", 1, 1},
		{"the same again", nil, []string{"Accept-Encoding", "gzip"}, "gzip", 1, 1},
		{"not compressed", nil, nil, "", 1, 2},
		{"not compressed again", nil, nil, "", 1, 2},
		{"a new revision", func() { s.pods.revision.Add(1) }, nil, "", 2, 3},
		{"a table", nil, []string{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}, "", 3, 4},
		{"nobody asked for a while", func() { s.clock.Step(Retention + time.Second) }, nil, "", 4, 5},
		{"a page", func() {
			s.option = func(o *storage.ListOptions) { o.ResourceVersion, o.Predicate.Limit = "", 500 }
		}, nil, "", 5, 6},
		{"the newest state", func() { s.option = func(o *storage.ListOptions) { o.ResourceVersion = "" } }, nil, "", 5, 6},
		{"exactly a revision", func() {
			s.option = func(o *storage.ListOptions) {
				o.ResourceVersion, o.ResourceVersionMatch = "7", metav1.ResourceVersionMatchExact
			}
		}, nil, "", 6, 7},
		{"a selection, which is not known to be large", func() {
			s.option = func(o *storage.ListOptions) { o.Predicate.Label = labels.SelectorFromSet(labels.Set{"none": "such"}) }
		}, nil, "", 7, 8},
	}
	for _, step := range steps {
		if step.do != nil {
			step.do()
		}
		body, encoding := s.get(t, step.header...)
		if want := strconv.FormatInt(s.pods.revision.Load(), 10); !strings.HasSuffix(body, want) {
			t.Errorf("%s: revision %q, want %s", step.name, body[max(0, len(body)-5):], want)
		}
		if n := strings.Count(body, "pod-"); n != 3000 && !strings.HasPrefix(step.name, "a selection") {
			t.Errorf("%s: %d pods", step.name, n)
		}
		if encoding != step.encoding || s.pods.lists.Load() != step.lists || s.coder.encodes.Load() != step.encodes {
			t.Errorf("%s: encoding %q, %d lists, %d encodings; want %q, %d, %d", step.name, encoding,
				s.pods.lists.Load(), s.coder.encodes.Load(), step.encoding, step.lists, step.encodes)
		}
	}
}

func TestSmallListsAreLeftAlone(t *testing.T) {
	s := newServer(t, minItems-1)
	for i := range int64(3) {
		if _, encoding := s.get(t, "Accept-Encoding", "gzip"); encoding != "" || s.pods.lists.Load() != i+1 {
			t.Fatalf("encoding %q, %d lists", encoding, s.pods.lists.Load())
		}
	}
}

func TestListsAtOnceAreOne(t *testing.T) {
	s := newServer(t, 3000)
	s.pods.slow = make(chan struct{})
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() { s.get(t, "Accept-Encoding", "gzip") })
	}
	close(s.pods.slow)
	group.Wait()
	if lists, encodes := s.pods.lists.Load(), s.coder.encodes.Load(); lists != 1 || encodes != 1 {
		t.Errorf("%d lists and %d encodings for 100 clients", lists, encodes)
	}
}

func TestCallersInTheProcessGetTheirOwn(t *testing.T) {
	s := newServer(t, 3000)
	for range 2 {
		s.get(t)
	}
	store := &shared{source{Interface: s.pods, lists: s.lists, resource: "pods", prefix: "/pods", newList: func() runtime.Object { return &corev1.PodList{} }}}
	before := s.pods.lists.Load()
	list := &corev1.PodList{}
	opts := storage.ListOptions{ResourceVersion: "0", Recursive: true, Predicate: storage.Everything}
	if err := store.GetList(t.Context(), "/pods/", opts, list); err != nil {
		t.Fatal(err)
	}
	if s.pods.lists.Load() != before+1 {
		t.Error("was given shared objects")
	}
}

func BenchmarkList(b *testing.B) {
	s := newServer(&testing.T{}, 10000)
	for b.Loop() {
		req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v1/pods", nil)
		req.Header.Set("Accept-Encoding", "gzip")
		s.ServeHTTP(httptest.NewRecorder(), req)
	}
}

func TestReaches(t *testing.T) {
	for _, tc := range []struct {
		have, want string
		reaches    bool
	}{{"7", "7", true}, {"10", "9", true}, {"9", "10", false}, {"", "9", false}, {"9", "", false}} {
		if reaches(tc.have, tc.want) != tc.reaches {
			t.Errorf("%q for %q: %v", tc.have, tc.want, !tc.reaches)
		}
	}
}
