package proxy

import (
	"testing"
	"time"
)

func TestBudget(t *testing.T) {
	now := time.Unix(1000, 0)
	b := &budget{period: time.Second}
	// pass waits as it is told, then works, and tells how long it waited.
	pass := func(took time.Duration) time.Duration {
		wait := b.wait(now)
		now = now.Add(wait)
		began := now
		now = now.Add(took)
		b.spend(began, now)
		return wait
	}
	// A rolling update of ten pods on a busy machine.
	for i := range 20 {
		if w := pass(90 * time.Millisecond); w != 0 {
			t.Fatalf("pass %d waited %v", i, w)
		}
		now = now.Add(100 * time.Millisecond)
	}
	// Passes that find nothing to do cost nothing.
	for range 1000 {
		if w := pass(0); w != 0 {
			t.Fatalf("an empty pass waited %v", w)
		}
	}
	// Changes without end, each costing a second.
	now = now.Add(time.Minute)
	var worked time.Duration
	began := now
	for i := range 20 {
		w := pass(time.Second)
		worked += time.Second
		if i < 2 && w != 0 {
			t.Errorf("expensive pass %d waited %v", i, w)
		}
	}
	if part := (worked - saved).Seconds() / now.Sub(began).Seconds(); part > 1.0/share+0.01 || part < 1.0/share-0.05 {
		t.Errorf("works for %.2f of the time", part)
	}
	// Cheap ones without end, once all is used up: no more than one in a period until something has come back.
	if w := pass(10 * time.Millisecond); w < time.Second-10*time.Millisecond {
		t.Errorf("waited %v only", w)
	}
	// After a quiet time all is as at first.
	now = now.Add(time.Minute)
	if w := pass(time.Second); w != 0 {
		t.Errorf("after a quiet time waited %v", w)
	}
}
