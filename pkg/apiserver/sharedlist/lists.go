package sharedlist

import (
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
)

const (
	// Retention is how long an answer is kept after its last use.
	Retention = 5 * time.Second
	// minItems is what a list must have to be worth it.
	minItems = 500
	// maxKept bounds how many answers are kept; requests that use a forgotten one keep it until they end.
	maxKept = 8
	// maxKeys bounds of how many different lists the size is remembered.
	maxKeys = 4096
)

// question is what makes lists equal.
type question struct {
	resource, key, labels, fields string
}

// Lists knows the newest answers.
type Lists struct {
	clock clock.WithTickerAndDelayedExecution
	// running are the lists that are made at this time.
	running singleflight.Group
	// sizes are the numbers of items of lists, by question.
	sizes *lru.Cache
	// requests are the running requests that have got a shared answer, by the list object they hand to the encoder.
	requests sync.Map

	mu   sync.Mutex
	kept map[question]*answer
}

// New makes an empty store of answers.
func New(clock clock.WithTickerAndDelayedExecution) *Lists {
	return &Lists{clock: clock, sizes: lru.New(maxKeys), kept: map[question]*answer{}}
}

// find returns an answer at least as new as a revision.
func (l *Lists) find(q question, version string) *answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.kept[q]
	if a == nil || !reaches(a.version, version) {
		return nil
	}
	a.forget.Reset(Retention)
	return a
}

// reaches tells that one revision is another or a later one.
func reaches(have, want string) bool {
	h, err := strconv.ParseUint(have, 10, 64)
	w, other := strconv.ParseUint(want, 10, 64)
	return err == nil && other == nil && h >= w
}

// keep remembers an answer until nobody has used it for a while.
func (l *Lists) keep(q question, list runtime.Object, version string) *answer {
	a := &answer{list: list, version: version, encoded: map[encoding]*encoded{}}
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.kept[q]; old != nil {
		old.forget.Stop()
	} else if len(l.kept) >= maxKept {
		// Any: they are all in use at this time, or would be forgotten soon.
		for other, old := range l.kept {
			old.forget.Stop()
			delete(l.kept, other)
			break
		}
	}
	a.forget = l.clock.AfterFunc(Retention, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.kept[q] == a {
			delete(l.kept, q)
		}
	})
	l.kept[q] = a
	return a
}
