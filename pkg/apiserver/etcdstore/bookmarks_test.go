package etcdstore

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	testingclock "k8s.io/utils/clock/testing"
)

func TestLooksForBookmarksTogether(t *testing.T) {
	// Half a second after a full minute.
	start := time.Date(2026, 11, 22, 8, 0, 0, 5e8, time.UTC)
	for _, tc := range []struct {
		name  string
		watch bool
		// over tells that the watch has ended.
		over bool
		want time.Duration
	}{
		{"nobody watches", false, false, time.Minute - time.Second/2},
		{"somebody watches", true, false, time.Second / 2},
		{"nobody watches any more", true, true, time.Minute - time.Second/2},
	} {
		fake := testingclock.NewFakeClock(start)
		c := &bookmarkClock{WithTicker: fake}
		timer := c.NewTimer(1100 * time.Millisecond)
		ctx, end := context.WithCancel(t.Context())
		defer end()
		if tc.watch {
			c.follow(ctx)
		}
		if tc.over {
			end()
			for watches := 1; watches != 0; {
				c.mu.Lock()
				watches = c.watches
				c.mu.Unlock()
			}
			timer.Reset(time.Second)
		}
		fake.Step(tc.want - time.Millisecond)
		select {
		case <-timer.C():
			t.Errorf("%s: went off before %v", tc.name, tc.want)
			continue
		default:
		}
		fake.Step(time.Millisecond)
		select {
		case <-timer.C():
		default:
			t.Errorf("%s: did not go off after %v", tc.name, tc.want)
		}
	}
}

func TestOtherTimersAreOnTime(t *testing.T) {
	fake := testingclock.NewFakeClock(time.Unix(0, 0))
	c := &bookmarkClock{WithTicker: fake}
	for _, d := range []time.Duration{100 * time.Millisecond, 15 * time.Second} {
		timer := c.NewTimer(d)
		fake.Step(d)
		select {
		case <-timer.C():
		default:
			t.Errorf("the timer of %v did not go off", d)
		}
	}
}

// watchable makes watches.
type watchable struct{ storage.Interface }

func (watchable) Watch(context.Context, string, storage.ListOptions) (watch.Interface, error) {
	return watch.NewFake(), nil
}

func TestOnlyWatchesWithBookmarksCount(t *testing.T) {
	c := &bookmarkClock{WithTicker: testingclock.NewFakeClock(time.Unix(0, 0))}
	f := followed{Interface: watchable{}, clock: c}
	for _, with := range []bool{false, true} {
		if _, err := f.Watch(t.Context(), "/registry/pods", storage.ListOptions{Predicate: storage.SelectionPredicate{AllowWatchBookmarks: with}}); err != nil {
			t.Fatal(err)
		}
	}
	if c.watches != 1 {
		t.Errorf("%d watches count, want one", c.watches)
	}
}
