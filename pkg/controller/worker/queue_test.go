package worker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

func TestRetriesUntilSuccessAndSurvivesPanic(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	var seen []string
	fails := 2
	q, err := New(Config[string]{Name: "test", Workers: 2, MaxBackoff: 10 * time.Millisecond, Sync: func(_ context.Context, key string) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, key)
		switch {
		case key != "bad":
			return nil
		case fails == 2:
			fails--
			panic("first")
		case fails == 1:
			fails--
			return errors.New("second")
		}
		cancel()
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	q.Enqueue("good")
	q.Enqueue("bad")
	if err := q.Run(ctx); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, k := range seen {
		count[k]++
	}
	if count["good"] != 1 || count["bad"] != 3 {
		t.Errorf("syncs: %v", count)
	}
}

func TestGivesUpAfterMaxRetries(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	q, err := New(Config[string]{Name: "test", Workers: 1, MaxRetries: 2, Sync: func(_ context.Context, key string) error {
		if key == "end" {
			cancel()
			return nil
		}
		n++
		return errors.New("no")
	}})
	if err != nil {
		t.Fatal(err)
	}
	q.Enqueue("a")
	q.EnqueueAfter("end", 200*time.Millisecond)
	if err := q.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n != 3 {
		t.Errorf("%d syncs, want the first and two retries", n)
	}
}
