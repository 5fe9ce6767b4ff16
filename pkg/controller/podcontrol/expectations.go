package podcontrol

import (
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
)

// Timeout is how long a write is waited for. It matters only when a watch has silently stopped.
const Timeout = 5 * time.Minute

// Expectations remember the own writes of a controller, by the key of the owner they were made for.
type Expectations[K comparable] struct {
	clock clock.PassiveClock
	store cache.Store

	mu      sync.Mutex
	pending map[K]map[types.UID]write
}

type write struct {
	object  cache.ObjectName
	deleted bool
	version string // resourceVersion after a creation
	at      time.Time
}

// NewExpectations compares writes with the given store, which is the informer's.
func NewExpectations[K comparable](store cache.Store, clock clock.PassiveClock) *Expectations[K] {
	return &Expectations[K]{clock: clock, store: store, pending: map[K]map[types.UID]write{}}
}

// Created notes that the object was created for the owner.
func (e *Expectations[K]) Created(owner K, o metav1.Object) {
	e.add(owner, o, write{version: o.GetResourceVersion()})
}

// Deleted notes that the API server accepted the deletion of the object. The key is not synced by anybody else before this
// sync ends, so noting it after the answer is early enough.
func (e *Expectations[K]) Deleted(owner K, o metav1.Object) { e.add(owner, o, write{deleted: true}) }

func (e *Expectations[K]) add(owner K, o metav1.Object, w write) {
	w.object, w.at = cache.MetaObjectToName(o), e.clock.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pending[owner] == nil {
		e.pending[owner] = map[types.UID]write{}
	}
	e.pending[owner][o.GetUID()] = w
}

// Forget drops everything noted for an owner that is gone.
func (e *Expectations[K]) Forget(owner K) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.pending, owner)
}

// Satisfied tells whether every write for the owner has come back to the cache, or has been waited for too long. Ask before
// listing from the cache: a list made afterwards then shows at least what this call saw.
func (e *Expectations[K]) Satisfied(owner K) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for uid, w := range e.pending[owner] {
		if !e.cameBack(uid, w) && e.clock.Since(w.at) < Timeout {
			return false
		}
		delete(e.pending[owner], uid)
	}
	delete(e.pending, owner)
	return true
}

func (e *Expectations[K]) cameBack(uid types.UID, w write) bool {
	item, exists, err := e.store.GetByKey(w.object.String())
	if err != nil {
		return false
	}
	o, ok := item.(metav1.Object)
	same := exists && ok && o.GetUID() == uid
	if w.deleted {
		return !same || o.GetDeletionTimestamp() != nil
	}
	return same || e.seen(w.version)
}

func (e *Expectations[K]) seen(version string) bool {
	c, err := resourceversion.CompareResourceVersion(e.store.LastStoreSyncResourceVersion(), version)
	return err == nil && c >= 0 // versions that cannot be compared: the UID must show up
}
