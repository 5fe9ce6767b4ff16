package podworker

import (
	"context"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/kubelet/plan"
	"tiphys.dev/tiphys/pkg/kubelet/podstatus"
)

// worker runs one pod.
type worker struct {
	m   *Manager
	uid types.UID
	// wake holds at most one pending wish to look again.
	wake chan struct{}
	// stopped is closed when nothing of the pod runs nor will run.
	stopped chan struct{}
	// helpers are the goroutines that start and stop; run waits for them.
	helpers sync.WaitGroup

	mu       sync.Mutex
	pod      *v1.Pod // as wanted; nil for an orphan
	next     *v1.Pod // wanted again while being removed
	removed  bool
	kill     *Kill
	admitted bool
	status   v1.PodStatus // last computed
	reported bool         // status holds something
	resync   bool         // an object or the pod's metadata changed: write volumes again

	resyncAt time.Time // not before

	// starting side
	starting    bool
	cancelStart context.CancelFunc
	mounted     bool
	parent      *string // of the sandbox's cgroup, once made
	failed      map[string]failedStart
	setup       failedStart
	hooks       map[string]bool // container IDs whose postStart hook is running
	backoffs    map[string]plan.BackOff

	// resizing side
	allocated   *allocation
	pending     *v1.PodCondition
	resizing    bool
	resizeError string

	// stopping side
	killing    map[string]bool // container IDs
	replaced   map[string]bool // container IDs killed because the spec changed
	stopUntil  time.Time       // when the running stop gives up its grace; zero: none running
	stopGrace  time.Duration
	isStopped  bool
	cleaned    bool
	stopErrors int

	// only touched by run's goroutine
	firstSeen time.Time
	rejected  bool
	decided   bool
	// cleanedAt is when only what the node keeps of the pod was left.
	cleanedAt time.Time
	// cleanErrors counts failures in a row to clean up.
	cleanErrors int
}

// failedStart remembers why a container could not be started, and when to try again.
type failedStart struct {
	waiting waiting
	until   time.Time
	count   int
	config  bool // for want of an object: a change of one ends the wait
}

func newWorker(m *Manager, uid types.UID, pod *v1.Pod) *worker {
	return &worker{m: m, uid: uid, pod: pod, wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		failed: map[string]failedStart{}, hooks: map[string]bool{}, backoffs: map[string]plan.BackOff{},
		killing: map[string]bool{}, replaced: map[string]bool{}, firstSeen: m.cfg.Clock.Now()}
}

func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) update(pod *v1.Pod) {
	w.mu.Lock()
	if w.removed {
		w.next = pod // a static pod taken away and put back: it starts again when the old one is gone
		w.mu.Unlock()
		w.poke()
		return
	}
	old := w.pod
	w.pod = pod
	if old != nil && metadataChanged(old, pod) {
		w.resync = true
	}
	w.mu.Unlock()
	w.poke()
}

func (w *worker) remove() {
	w.mu.Lock()
	w.removed, w.next = true, nil
	w.mu.Unlock()
	w.poke()
}

func (w *worker) condemn(k Kill) {
	w.mu.Lock()
	if w.kill == nil {
		w.kill = &k
	} else if k.GraceSeconds != nil {
		w.kill.GraceSeconds = k.GraceSeconds
	}
	w.mu.Unlock()
	w.poke()
}

func (w *worker) objectsChanged() {
	w.mu.Lock()
	w.resync, w.resyncAt = true, time.Time{}
	for name, f := range w.failed {
		if f.config {
			f.until = time.Time{}
			w.failed[name] = f
		}
	}
	w.mu.Unlock()
	w.poke()
}

func (w *worker) successor() *v1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

// current is the pod with the status last computed; nil when only what the node keeps of it is left.
func (w *worker) current() *v1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.removed && w.cleaned {
		return nil
	}
	if w.pod == nil || !w.reported {
		return w.pod
	}
	p := *w.pod
	p.Status = w.status
	return &p
}

func (w *worker) admittedPod() *v1.Pod {
	w.mu.Lock()
	admitted, stopped := w.admitted, w.isStopped
	w.mu.Unlock()
	if !admitted || stopped {
		return nil
	}
	return w.current()
}

// wanted returns what is asked of the worker at this moment.
func (w *worker) wanted() (pod *v1.Pod, removed bool, kill *Kill) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pod, w.removed, w.kill
}

// run is the worker's goroutine.
func (w *worker) run(ctx context.Context) {
	defer w.helpers.Wait()
	log := klog.FromContext(ctx).WithValues("uid", w.uid)
	if p, _, _ := w.wanted(); p != nil {
		log = log.WithValues("pod", klog.KObj(p))
	}
	ctx = klog.NewContext(ctx, log)
	for {
		again, gone := w.step(ctx)
		if gone {
			w.m.finished(w)
			return
		}
		if again <= 0 {
			again = forever
		}
		timer := w.m.cfg.Clock.NewTimer(again)
		select {
		case <-ctx.Done():
			timer.Stop()
			w.mu.Lock()
			if w.cancelStart != nil {
				w.cancelStart()
			}
			w.mu.Unlock()
			return
		case <-w.wake:
		case <-timer.C():
		}
		timer.Stop()
	}
}

// forever is longer than any pod waits without being woken.
const forever = 24 * time.Hour

func metadataChanged(a, b *v1.Pod) bool {
	return !sameMap(a.Labels, b.Labels) || !sameMap(a.Annotations, b.Annotations)
}

func sameMap(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// failureOf is the verdict over the pod, if any.
func failureOf(k *Kill) *podstatus.Failure {
	if k == nil {
		return nil
	}
	return k.Failure
}
