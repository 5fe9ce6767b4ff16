package podworker

import (
	"context"
	"fmt"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// Manager owns the workers.
type Manager struct {
	cfg Config

	// admission makes decisions one at a time: each depends on the sum of those before.
	admission sync.Mutex

	mu      sync.Mutex
	workers map[types.UID]*worker
	// ctx is Run's; nil before Run. Workers that come before are started by Run.
	ctx     context.Context
	wg      sync.WaitGroup
	orphans bool // sources are known, so what nobody wants may be removed

	starts starts

	usernsLock sync.Mutex
	usernsUsed map[types.UID]uint32
}

// New builds a Manager.
func New(cfg Config) (*Manager, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	return &Manager{cfg: cfg, workers: map[types.UID]*worker{}}, nil
}

// Run lets the workers work until ctx ends, and waits for them.
func (m *Manager) Run(ctx context.Context) error {
	m.mu.Lock()
	if m.ctx != nil {
		m.mu.Unlock()
		return fmt.Errorf("pod workers: already running")
	}
	m.ctx = ctx
	for _, w := range m.workers {
		m.launch(w)
	}
	m.mu.Unlock()
	<-ctx.Done()
	m.wg.Wait()
	return nil
}

// launch must be called with the lock held.
func (m *Manager) launch(w *worker) {
	if m.ctx == nil || m.ctx.Err() != nil {
		return
	}
	m.wg.Go(func() { w.run(m.ctx) })
}

// Set says that the pod is wanted as given (which includes: being deleted).
func (m *Manager) Set(pod *v1.Pod) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.workers[pod.UID]
	if w == nil {
		w = newWorker(m, pod.UID, pod)
		m.workers[pod.UID] = w
		m.launch(w)
		return
	}
	w.update(pod)
}

// Remove says that the pod is no longer wanted by its source.
func (m *Manager) Remove(uid types.UID) {
	m.mu.Lock()
	w := m.workers[uid]
	m.mu.Unlock()
	if w != nil {
		w.remove()
	}
}

// Wake makes the pod's worker look again. A pod that nobody wants gets a worker that cleans it away, once the
// sources are known.
func (m *Manager) Wake(uid types.UID) {
	m.mu.Lock()
	w := m.workers[uid]
	if w == nil && m.orphans && !m.cfg.Observer.Get(uid).Empty() {
		m.orphan(uid)
	}
	m.mu.Unlock()
	if w != nil {
		w.poke()
	}
}

// orphan must be called with the lock held.
func (m *Manager) orphan(uid types.UID) {
	w := newWorker(m, uid, nil)
	w.removed = true
	m.workers[uid] = w
	m.launch(w)
}

// CleanOrphans is called once all sources have delivered: the pods given that have no worker, and all such pods seen
// later, are removed from the node.
func (m *Manager) CleanOrphans(present []types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.orphans = true
	for _, uid := range present {
		if m.workers[uid] == nil {
			m.orphan(uid)
		}
	}
}

// ObjectsChanged says that an object the pods refer to changed: volumes are written again, and a start that failed
// for want of it is tried again at once.
func (m *Manager) ObjectsChanged(uids []types.UID) {
	for _, uid := range uids {
		m.mu.Lock()
		w := m.workers[uid]
		m.mu.Unlock()
		if w != nil {
			w.objectsChanged()
		}
	}
}

// Kill condemns the pod and waits until nothing of it runs, or ctx ends.
func (m *Manager) Kill(ctx context.Context, uid types.UID, k Kill) error {
	m.mu.Lock()
	w := m.workers[uid]
	m.mu.Unlock()
	if w == nil {
		return nil
	}
	w.condemn(k)
	select {
	case <-w.stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("killing pod %s: %w", uid, ctx.Err())
	}
}

func (m *Manager) finished(w *worker) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.workers[w.uid] != w {
		return
	}
	delete(m.workers, w.uid)
	if next := w.successor(); next != nil {
		n := newWorker(m, next.UID, next)
		m.workers[next.UID] = n
		m.launch(n)
	}
}

// Pods returns the wanted pods with their latest status.
func (m *Manager) Pods() []*v1.Pod {
	m.mu.Lock()
	all := make([]*worker, 0, len(m.workers))
	for _, w := range m.workers {
		all = append(all, w)
	}
	m.mu.Unlock()
	pods := make([]*v1.Pod, 0, len(all))
	for _, w := range all {
		if p := w.current(); p != nil {
			pods = append(pods, p)
		}
	}
	return pods
}

// PodByUID returns the wanted pod with its latest status.
func (m *Manager) PodByUID(uid types.UID) (*v1.Pod, bool) {
	m.mu.Lock()
	w := m.workers[uid]
	m.mu.Unlock()
	if w == nil {
		return nil, false
	}
	p := w.current()
	return p, p != nil
}

// Pod returns the wanted pod of that name with its latest status.
func (m *Manager) Pod(namespace, name string) (*v1.Pod, bool) {
	var found *v1.Pod
	for _, p := range m.Pods() {
		if p.Namespace == namespace && p.Name == name && (found == nil || p.DeletionTimestamp == nil) {
			found = p
		}
	}
	return found, found != nil
}

// Known tells whether the pod has a worker: while it has, nobody else may clean up after it.
func (m *Manager) Known(uid types.UID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.workers[uid] != nil
}

// Stopped tells whether nothing of the pod runs nor will run again.
func (m *Manager) Stopped(uid types.UID) bool {
	m.mu.Lock()
	w := m.workers[uid]
	m.mu.Unlock()
	if w == nil {
		return true
	}
	select {
	case <-w.stopped:
		return true
	default:
		return false
	}
}

// RetryResizes lets pods whose resize was deferred ask again: another pod has given up something.
func (m *Manager) RetryResizes() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range m.workers {
		w.mu.Lock()
		deferred := w.pending != nil
		w.mu.Unlock()
		if deferred {
			w.poke()
		}
	}
}

// active returns the admitted pods, but for the given one, that may still use the node's resources.
func (m *Manager) active(but types.UID) []*v1.Pod {
	m.mu.Lock()
	all := make([]*worker, 0, len(m.workers))
	for uid, w := range m.workers {
		if uid != but {
			all = append(all, w)
		}
	}
	m.mu.Unlock()
	var pods []*v1.Pod
	for _, w := range all {
		if p := w.admittedPod(); p != nil && !podstate.IsTerminal(p) {
			pods = append(pods, p)
		}
	}
	return pods
}
