package podcontrol

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestSlowStart(t *testing.T) {
	for _, c := range []struct {
		name               string
		n, failFrom        int
		wantDone, wantCall int32
	}{
		{"all succeed", 10, 100, 10, 10},
		{"first fails", 10, 0, 0, 1},
		{"third batch fails", 10, 3, 3, 7},
		{"none", 0, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls atomic.Int32
			done, err := SlowStart(c.n, func(i int) error {
				calls.Add(1)
				if i >= c.failFrom {
					return errors.New("no")
				}
				return nil
			})
			if int32(done) != c.wantDone || calls.Load() != c.wantCall || (err != nil) != (c.failFrom < c.n) {
				t.Errorf("done %d, calls %d, error %v", done, calls.Load(), err)
			}
		})
	}
}

func pod(name, uid, version string) *v1.Pod {
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(uid), ResourceVersion: version}}
}

func TestExpectations(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(time.Unix(1000, 0))
	for _, c := range []struct {
		name  string
		write func(*Expectations[string])
		back  func(cache.Store)
		after time.Duration
		want  bool
	}{
		{name: "nothing written", want: true},
		{name: "created, not seen", write: func(e *Expectations[string]) { e.Created("k", pod("a", "1", "10")) }},
		{name: "created, seen", write: func(e *Expectations[string]) { e.Created("k", pod("a", "1", "10")) },
			back: func(s cache.Store) { _ = s.Add(pod("a", "1", "10")) }, want: true},
		{name: "created, came and went", write: func(e *Expectations[string]) { e.Created("k", pod("a", "1", "10")) },
			back: func(s cache.Store) { _ = s.Add(pod("b", "2", "12")) }, want: true},
		{name: "created, cache older", write: func(e *Expectations[string]) { e.Created("k", pod("a", "1", "10")) },
			back: func(s cache.Store) { _ = s.Add(pod("b", "2", "9")) }},
		{name: "created, never seen, timeout", write: func(e *Expectations[string]) { e.Created("k", pod("a", "1", "10")) }, after: Timeout, want: true},
		{name: "deleted, still there", write: func(e *Expectations[string]) { e.Deleted("k", pod("old", "0", "1")) }},
		{name: "deleted, gone", write: func(e *Expectations[string]) { e.Deleted("k", pod("old", "0", "1")) },
			back: func(s cache.Store) { _ = s.Delete(pod("old", "0", "1")) }, want: true},
		{name: "deleted, replaced", write: func(e *Expectations[string]) { e.Deleted("k", pod("old", "0", "1")) },
			back: func(s cache.Store) { _ = s.Add(pod("old", "9", "30")) }, want: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := cache.NewStore(cache.MetaNamespaceKeyFunc)
			_ = store.Add(pod("old", "0", "1"))
			clock.SetTime(time.Unix(1000, 0))
			e := NewExpectations[string](store, clock)
			if c.write != nil {
				c.write(e)
			}
			if c.back != nil {
				c.back(store)
			}
			clock.SetTime(time.Unix(1000, 0).Add(c.after))
			if got := e.Satisfied("k"); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
