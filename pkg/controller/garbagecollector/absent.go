package garbagecollector

import (
	"sync"
)

// absentees remembers owners that the API server said do not exist: a deleted owner with a thousand dependents is asked for
// once, not a thousand times. An UID never comes back, so an entry never becomes wrong. Old entries are dropped.
type absentees struct {
	mu         sync.Mutex
	young, old map[identity]struct{}
}

const absentGeneration = 1000

func newAbsentees() *absentees {
	return &absentees{young: map[identity]struct{}{}, old: map[identity]struct{}{}}
}

func (a *absentees) has(id identity) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.young[id]
	if !ok {
		_, ok = a.old[id]
	}
	return ok
}

func (a *absentees) add(id identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.young) >= absentGeneration {
		a.old, a.young = a.young, map[identity]struct{}{}
	}
	a.young[id] = struct{}{}
}
