package etcdstore

import (
	"context"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/util/flowcontrol"
)

// feeds lets watches of the same objects follow one watch of the cache: each event is then looked at once, and goes straight to all of them.
// With a watch of its own each has a goroutine that checks every event and hands it on, which is much of what an event costs.
//
//	          few watches of the same ──────► each has its own watch of the cache
//	                  the fifth, sixth, ... ─► a member: it begins with its own, and follows the feed as soon as it has seen all that the feed has sent
//	a member whose buffer is full ───────────► goes on with its own watch after the last event it has, and comes back when it has caught up
//	a member that ends soon ─────────────────► does the same, and stays there
//
// So a slow client is what it was without feeds: it holds nobody up, and loses its watch if it is too slow for its own.
type feeds struct {
	storage.Interface

	mu   sync.Mutex
	open map[subject]*feed
}

const (
	// alone is how many watches of the same there are before further ones share.
	alone = 4
	// memberBuffer is how many events a member may be behind.
	memberBuffer = 100
	// farewell is how long before its end a member goes on with its own watch: the cache knows then when to send its last bookmark.
	farewell = 10 * time.Second
)

// subject is what a watch sees.
type subject struct {
	key, label, field string
	recursive         bool
	// The cache also looks at what was asked for.
	namespace, name string
}

func newFeeds(inner storage.Interface) *feeds {
	return &feeds{Interface: inner, open: map[subject]*feed{}}
}

// Watch begins a watch.
func (s *feeds) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	version, initial, ok := shareable(opts)
	if !ok {
		return s.Interface.Watch(ctx, key, opts)
	}
	f, n := s.enter(newSubject(ctx, key, opts))
	context.AfterFunc(ctx, func() { s.leave(f) })
	if n <= alone {
		return s.Interface.Watch(ctx, key, opts)
	}
	m := &member{feed: f, key: key, opts: opts, last: version, events: make(chan watch.Event, memberBuffer)}
	m.ctx, m.cancel = context.WithCancel(ctx)
	m.leaveBefore(ctx)
	if !initial && f.attach(m) {
		// Its seat in priority and fairness was for what it is sent first, which is nothing.
		flowcontrol.WatchInitialized(ctx)
		context.AfterFunc(ctx, m.Stop)
		return m, nil
	}
	own, err := s.Interface.Watch(m.ctx, key, opts)
	if err != nil {
		m.cancel()
		return nil, err
	}
	context.AfterFunc(ctx, m.Stop)
	go m.follow(own, initial)
	return m, nil
}

// shareable tells after which version a watch begins, and whether it is first sent what there is. A watch from any version does not know
// where it is, so it is not shared.
func shareable(opts storage.ListOptions) (version uint64, initial, ok bool) {
	if opts.ProgressNotify || opts.Predicate.ShardSelector != nil && !opts.Predicate.ShardSelector.Empty() {
		return 0, false, false
	}
	initial = opts.SendInitialEvents != nil && *opts.SendInitialEvents
	version, err := storage.APIObjectVersioner{}.ParseResourceVersion(opts.ResourceVersion)
	// Only the bookmark that ends the initial events says where a watch is.
	return version, initial, err == nil && (initial && opts.Predicate.AllowWatchBookmarks || !initial && version > 0)
}

func newSubject(ctx context.Context, key string, opts storage.ListOptions) subject {
	id := subject{key: key, label: opts.Predicate.Label.String(), field: opts.Predicate.Field.String(), recursive: opts.Recursive, namespace: request.NamespaceValue(ctx)}
	if info, ok := request.RequestInfoFrom(ctx); ok {
		id.name = info.Name
	}
	return id
}

// enter counts a watch, and returns how many there are.
func (s *feeds) enter(id subject) (*feed, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.open[id]
	if f == nil {
		f = &feed{inner: s.Interface, id: id}
		s.open[id] = f
	}
	f.watches++
	return f, f.watches
}

func (s *feeds) leave(f *feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.watches--; f.watches == 0 {
		delete(s.open, f.id)
	}
}

// feed is one watch of the cache with those who follow it.
type feed struct {
	inner storage.Interface
	id    subject
	// watches is guarded by the mutex of the feeds.
	watches int

	mu      sync.Mutex
	members []*member
	// running tells that the watch of the cache is open, last up to which version it has sent.
	running bool
	last    uint64
	stop    context.CancelFunc
}

// attach makes a member follow the feed, unless it has something to catch up with.
func (f *feed) attach(m *member) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.ctx.Err() != nil || m.ending || len(m.events) > memberBuffer/2 {
		return false
	}
	if !f.running && !f.start(m) {
		return false
	}
	if m.last < f.last {
		return false
	}
	m.place = len(f.members)
	m.fed = true
	f.members = append(f.members, m)
	return true
}

// start opens the watch of the cache where the member is.
func (f *feed) start(m *member) bool {
	// It outlives the request, but not by much: it ends with its last member.
	ctx, stop := context.WithCancel(context.WithoutCancel(m.ctx))
	opts := m.opts
	opts.ResourceVersion, opts.SendInitialEvents = strconv.FormatUint(m.last, 10), nil
	opts.Predicate.AllowWatchBookmarks = true
	events, err := f.inner.Watch(ctx, m.key, opts)
	if err != nil {
		stop()
		return false
	}
	f.running, f.last, f.stop = true, m.last, stop
	go f.run(events)
	return true
}

func (f *feed) run(events watch.Interface) {
	defer events.Stop()
	for event := range events.ResultChan() {
		version, ok := versionOf(event)
		if !ok || !f.send(event, version) {
			break
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stop()
	f.running = false
	for _, m := range f.members {
		m.fed = false
		go m.catchUp()
	}
	f.members = nil
}

// send hands an event on, and tells whether anybody is left.
func (f *feed) send(event watch.Event, version uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = max(f.last, version)
	for i := 0; i < len(f.members); i++ {
		m := f.members[i]
		if version <= m.last {
			continue
		}
		if event.Type == watch.Bookmark && !m.opts.Predicate.AllowWatchBookmarks {
			m.last = version // there was nothing until then
			continue
		}
		select {
		case m.events <- own(event):
			m.last = version
		default:
			f.detach(m)
			go m.catchUp()
			i-- // another has its place now
		}
	}
	return len(f.members) > 0
}

// own is the event for one receiver. What keeps its encodings is for all of them; anything else is changed when it is encoded.
func own(event watch.Event) watch.Event {
	if _, shared := event.Object.(runtime.CacheableObject); !shared {
		event.Object = event.Object.DeepCopyObject()
	}
	return event
}

// detach takes a member out. The mutex is held.
func (f *feed) detach(m *member) {
	last := len(f.members) - 1
	f.members[m.place] = f.members[last]
	f.members[m.place].place = m.place
	f.members[last] = nil
	f.members = f.members[:last]
	m.fed = false
}

// versionOf tells at which version an event is; there is none in errors.
func versionOf(event watch.Event) (uint64, bool) {
	if event.Type == watch.Error {
		return 0, false
	}
	m, err := meta.Accessor(event.Object)
	if err != nil {
		return 0, false
	}
	version, err := strconv.ParseUint(m.GetResourceVersion(), 10, 64)
	return version, err == nil
}

// member is a watch that may follow a feed. Whoever sends to it closes its channel: the feed, under its mutex, or its own goroutine.
type member struct {
	feed   *feed
	ctx    context.Context
	cancel context.CancelFunc
	key    string
	opts   storage.ListOptions
	events chan watch.Event

	// These are the feed's while it is fed, and guarded by its mutex.
	last  uint64
	fed   bool
	place int
	// ending tells that it shall not follow the feed any more; it is guarded by the feed's mutex.
	ending bool
}

// leaveBefore makes the member leave the feed some time before its context ends.
func (m *member) leaveBefore(ctx context.Context) {
	end, ok := ctx.Deadline()
	if !ok {
		return
	}
	timer := time.AfterFunc(time.Until(end)-farewell, func() {
		m.feed.mu.Lock()
		defer m.feed.mu.Unlock()
		if m.ending = true; m.fed {
			m.feed.detach(m)
			go m.catchUp()
		}
	})
	context.AfterFunc(ctx, func() { timer.Stop() })
}

// ResultChan is closed when the watch has ended.
func (m *member) ResultChan() <-chan watch.Event { return m.events }

// Stop ends the watch.
func (m *member) Stop() {
	m.cancel()
	m.feed.mu.Lock()
	defer m.feed.mu.Unlock()
	if !m.fed {
		return
	}
	m.feed.detach(m)
	close(m.events)
	if len(m.feed.members) == 0 {
		m.feed.stop()
	}
}

// catchUp goes on with a watch of its own.
func (m *member) catchUp() {
	opts := m.opts
	opts.ResourceVersion, opts.SendInitialEvents = strconv.FormatUint(m.last, 10), nil
	events, err := m.feed.inner.Watch(m.ctx, m.key, opts)
	if err != nil {
		// The client begins again, as with any watch that ends.
		m.cancel()
		close(m.events)
		return
	}
	m.follow(events, false)
}

// follow hands on what its own watch says, until it is where the feed is.
func (m *member) follow(events watch.Interface, initial bool) {
	defer events.Stop()
	for {
		select {
		case <-m.ctx.Done():
			close(m.events)
			return
		case event, ok := <-events.ResultChan():
			if !ok {
				close(m.events)
				return
			}
			select {
			case m.events <- event:
			case <-m.ctx.Done():
				close(m.events)
				return
			}
			if initial && !endsInitial(event) {
				continue
			}
			if version, ok := versionOf(event); ok {
				initial = false
				m.last = version
				if len(events.ResultChan()) == 0 && m.feed.attach(m) {
					return
				}
			}
		}
	}
}

// endsInitial tells that an event is the bookmark after what there was in the beginning (KEP-3157).
func endsInitial(event watch.Event) bool {
	if event.Type != watch.Bookmark {
		return false
	}
	m, err := meta.Accessor(event.Object)
	return err == nil && m.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true"
}
