package etcdstore

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/clock"
)

// A watch cache looks every second whether a watch is due a bookmark, which is once a minute and shortly before its end. With sixty
// caches, of which most have no watch that takes bookmarks, that is most of what an idle API server does. So a cache has a clock
// whose second goes by together with that of all others, and takes a minute while nobody is due anything.
const (
	withWatches    = time.Second
	withoutWatches = time.Minute
)

// bookmarkClock is the clock of one watch cache.
type bookmarkClock struct {
	clock.WithTicker

	mu      sync.Mutex
	watches int
	timer   *bookmarkTimer
}

// NewTimer makes the timer of the bookmarks, which the cache sets to a second and up to a quarter, to go off in time with those of other
// caches. Other timers are as usual.
func (c *bookmarkClock) NewTimer(d time.Duration) clock.Timer {
	if d < time.Second || d > 1250*time.Millisecond {
		return c.WithTicker.NewTimer(d)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = &bookmarkTimer{Timer: c.WithTicker.NewTimer(c.pause()), clock: c}
	return c.timer
}

// pause is until the next time that all caches look. The caller holds mu.
func (c *bookmarkClock) pause() time.Duration {
	every := withoutWatches
	if c.watches > 0 {
		every = withWatches
	}
	now := c.Now()
	return now.Truncate(every).Add(every).Sub(now)
}

// follow counts a watch with bookmarks until its context ends.
func (c *bookmarkClock) follow(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watches++
	if c.watches == 1 && c.timer != nil {
		c.timer.Timer.Reset(c.pause())
	}
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.watches--
	})
}

// bookmarkTimer is set by the cache after each look.
type bookmarkTimer struct {
	clock.Timer
	clock *bookmarkClock
}

// Reset sets the timer to the next common look, however long the cache wants to wait.
func (t *bookmarkTimer) Reset(time.Duration) bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.Timer.Reset(t.clock.pause())
}

// followed is a watch cache whose clock knows of its watches.
type followed struct {
	storage.Interface
	clock *bookmarkClock
}

// Watch is the cache's.
func (f followed) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	w, err := f.Interface.Watch(ctx, key, opts)
	if err == nil && opts.Predicate.AllowWatchBookmarks {
		f.clock.follow(ctx)
	}
	return w, err
}
