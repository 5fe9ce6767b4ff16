package etcdstore

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/util/flowcontrol"
)

// history is a cache: a watch is first sent what came after its version, and then what comes.
type history struct {
	storage.Interface

	mu     sync.Mutex
	events []watch.Event
	open   map[*historyWatch]bool
	opened int
}

type historyWatch struct {
	events chan watch.Event
	stop   func()
}

func (w *historyWatch) Stop()                          { w.stop() }
func (w *historyWatch) ResultChan() <-chan watch.Event { return w.events }

func (h *history) Watch(ctx context.Context, _ string, opts storage.ListOptions) (watch.Interface, error) {
	from, err := strconv.Atoi(opts.ResourceVersion)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened++
	w := &historyWatch{events: make(chan watch.Event, 10000)}
	w.stop = sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.open, w)
		close(w.events)
	})
	for _, e := range h.events[min(from, len(h.events)):] {
		w.events <- e
	}
	h.open[w] = true
	context.AfterFunc(ctx, w.stop)
	flowcontrol.WatchInitialized(ctx)
	return w, nil
}

// change adds n events; their versions count from one.
func (h *history) change(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for range n {
		e := watch.Event{Type: watch.Added, Object: &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ResourceVersion: fmt.Sprint(len(h.events) + 1)}}}
		h.events = append(h.events, e)
		for w := range h.open {
			w.events <- e
		}
	}
}

// watches tells how many are open.
func (h *history) watches() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.open)
}

// count tells how many were opened so far.
func (h *history) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.opened
}

// end ends all watches, as a cache does that begins again.
func (h *history) end() {
	h.mu.Lock()
	open := h.open
	h.open = map[*historyWatch]bool{}
	h.mu.Unlock()
	for w := range open {
		w.stop()
	}
}

func begin(t *testing.T, s *feeds, version int) (watch.Interface, context.CancelFunc) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	w, err := s.Watch(ctx, "/configmaps/", storage.ListOptions{ResourceVersion: fmt.Sprint(version), Recursive: true, Predicate: storage.Everything})
	if err != nil {
		t.Fatal(err)
	}
	return w, stop
}

// expect reads events that follow on each other.
func expect(t *testing.T, w watch.Interface, from, n int) {
	t.Helper()
	for i := range n {
		e, ok := <-w.ResultChan()
		if !ok {
			t.Fatalf("the watch has ended before event %d", from+i)
		}
		if v, _ := versionOf(e); v != uint64(from+i) {
			t.Fatalf("event %d, want %d", v, from+i)
		}
	}
}

func TestManyWatchesAreOneForTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{open: map[*historyWatch]bool{}}
		s := newFeeds(h)
		h.change(3)
		var all []watch.Interface
		var stops []context.CancelFunc
		for i := range 10 {
			w, stop := begin(t, s, i%3+1) // some are behind
			all, stops = append(all, w), append(stops, stop)
		}
		synctest.Wait()
		for i, w := range all {
			expect(t, w, i%3+2, 2-i%3)
		}
		h.change(1)
		synctest.Wait()
		if n := h.watches(); n != alone+1 {
			t.Errorf("%d watches of the cache, want %d and one for the others", n, alone)
		}
		for _, w := range all {
			expect(t, w, 4, 1)
		}
		// One of them does not read for a while.
		slow, rest := all[9], all[:9]
		h.change(memberBuffer + 50)
		for _, w := range rest {
			expect(t, w, 5, memberBuffer+50)
		}
		synctest.Wait()
		h.change(1)
		for _, w := range rest {
			expect(t, w, memberBuffer+55, 1)
		}
		expect(t, slow, 5, memberBuffer+51)
		// With the next event it has caught up.
		h.change(1)
		for _, w := range all {
			expect(t, w, memberBuffer+56, 1)
		}
		synctest.Wait()
		if n := h.watches(); n != alone+1 {
			t.Errorf("%d watches of the cache after one was slow, want %d", n, alone+1)
		}
		// The cache ends the watch that all follow.
		opened := h.count()
		h.end()
		synctest.Wait()
		h.change(1)
		for _, w := range all[alone:] {
			expect(t, w, memberBuffer+57, 1)
		}
		if h.count() == opened {
			t.Error("no watch was opened in its place")
		}
		for i, stop := range stops {
			stop()
			if i%2 == 0 {
				all[i].Stop()
			}
		}
		synctest.Wait()
		for _, w := range all[alone:] {
			if _, open := <-w.ResultChan(); open {
				t.Error("a watch goes on after its end")
			}
		}
		if n := h.watches(); n != 0 || len(s.open) != 0 {
			t.Errorf("%d watches and %d feeds are left", n, len(s.open))
		}
	})
}

func TestWhatIsShared(t *testing.T) {
	yes, no := true, false
	with := func(p storage.SelectionPredicate, bookmarks bool) storage.SelectionPredicate {
		p.AllowWatchBookmarks = bookmarks
		return p
	}
	for name, test := range map[string]struct {
		opts storage.ListOptions
		want bool
	}{
		"from a version":                     {storage.ListOptions{ResourceVersion: "7"}, true},
		"from any version":                   {storage.ListOptions{ResourceVersion: "0"}, false},
		"from the present one":               {storage.ListOptions{}, false},
		"a stream that begins with all":      {storage.ListOptions{SendInitialEvents: &yes, Predicate: with(storage.Everything, true)}, true},
		"one that does not":                  {storage.ListOptions{SendInitialEvents: &no, ResourceVersion: "7"}, true},
		"a stream without bookmarks":         {storage.ListOptions{SendInitialEvents: &yes}, false},
		"a version that is none":             {storage.ListOptions{ResourceVersion: "x"}, false},
		"the cache's own, with its progress": {storage.ListOptions{ResourceVersion: "7", ProgressNotify: true}, false},
	} {
		if _, _, got := shareable(test.opts); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// A watch that is open takes no seat of priority and fairness any more, whoever brings its events.
func TestWatchesLeaveTheirSeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{open: map[*historyWatch]bool{}}
		s := newFeeds(h)
		h.change(3)
		seated := 0
		for i := range 3 * alone {
			signal := flowcontrol.NewInitializationSignal()
			ctx, stop := context.WithCancel(flowcontrol.WithInitializationSignal(t.Context(), signal))
			defer stop()
			opts := storage.ListOptions{ResourceVersion: fmt.Sprint(1 + i%3), Recursive: true, Predicate: storage.Everything}
			if _, err := s.Watch(ctx, "/configmaps/", opts); err != nil {
				t.Fatal(err)
			}
			seated++
			go func() {
				signal.Wait()
				seated--
			}()
			synctest.Wait()
		}
		if seated > 0 {
			t.Errorf("%d watches keep their seats", seated)
		}
	})
}

// A watch that ends soon has a watch of the cache, which knows of its end, and misses nothing on the way.
func TestWatchesThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{open: map[*historyWatch]bool{}}
		s := newFeeds(h)
		h.change(1)
		for range alone {
			_, stop := begin(t, s, 1)
			defer stop()
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		opts := storage.ListOptions{ResourceVersion: "1", Recursive: true, Predicate: storage.Everything}
		ends, err := s.Watch(ctx, "/configmaps/", opts)
		if err != nil {
			t.Fatal(err)
		}
		stays, stopStays := begin(t, s, 1)
		defer stopStays()
		h.change(3)
		expect(t, ends, 2, 3)
		expect(t, stays, 2, 3)
		synctest.Wait()
		if n := h.watches(); n != alone+1 {
			t.Errorf("%d watches of the cache, want those that are alone and the feed", n)
		}
		time.Sleep(time.Minute - farewell)
		synctest.Wait()
		if n := h.watches(); n != alone+2 {
			t.Errorf("%d watches of the cache when one member ends soon", n)
		}
		h.change(3)
		expect(t, ends, 5, 3)
		expect(t, stays, 5, 3)
		synctest.Wait()
		if n := h.watches(); n != alone+2 {
			t.Errorf("%d watches of the cache: it has gone back to the feed", n)
		}
		time.Sleep(farewell)
		if _, open := <-ends.ResultChan(); open {
			t.Error("it goes on after its end")
		}
		h.change(1)
		expect(t, stays, 8, 1)
	})
}
