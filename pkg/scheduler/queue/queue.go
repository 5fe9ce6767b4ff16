package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
	"tiphys.dev/tiphys/pkg/scheduler/metrics"
)

// ErrClosed is what Pop returns when the queue was closed.
var ErrClosed = errors.New("scheduling queue is closed")

// Config is what a queue needs.
type Config struct {
	// Less orders active pods.
	Less fwk.LessFunc
	// PreEnqueue returns the refusal of the pod's profile, nil when it may enter.
	PreEnqueue func(ctx context.Context, pod *v1.Pod) *fwk.Status
	// Hints by scheduler name.
	Hints map[string]*Hints

	InitialBackoff   time.Duration
	MaxBackoff       time.Duration
	MaxUnschedulable time.Duration

	Nominator *Nominator
	Metrics   *metrics.Metrics
	Clock     clock.WithTicker
	Logger    klog.Logger
}

// Queue is the scheduling queue. All methods may be called from any goroutine.
type Queue struct {
	cfg Config

	mu     sync.Mutex
	cond   *sync.Cond
	closed bool
	// wake tells the timer loop that an earlier deadline may have come up.
	wake chan struct{}

	pods         map[types.UID]*PodInfo
	active       podHeap
	backoff      podHeap
	errorBackoff podHeap
	// waiting are the unschedulable and gated pods, byPlugin those of them with a rejector, by rejector.
	waiting  map[types.UID]*PodInfo
	byPlugin map[string]map[types.UID]*PodInfo
	// sweepAt is when the first of the unschedulable pods has waited too long, or earlier.
	sweepAt time.Time

	flight flightLog
}

// New makes an empty queue.
func New(cfg Config) (*Queue, error) {
	if cfg.Less == nil || cfg.Nominator == nil || cfg.Clock == nil || cfg.Metrics == nil {
		return nil, errors.New("the queue needs Less, a nominator, metrics and a clock")
	}
	q := &Queue{
		cfg: cfg, wake: make(chan struct{}, 1),
		pods: map[types.UID]*PodInfo{}, waiting: map[types.UID]*PodInfo{}, byPlugin: map[string]map[types.UID]*PodInfo{},
	}
	q.cond = sync.NewCond(&q.mu)
	q.active.less = func(a, b *PodInfo) bool { return cfg.Less(a, b) }
	// Back-off ends are compared by second so that priority decides among pods that become ready together.
	q.backoff.less = func(a, b *PodInfo) bool {
		x, y := a.BackoffExpiration.Truncate(time.Second), b.BackoffExpiration.Truncate(time.Second)
		if !x.Equal(y) {
			return x.Before(y)
		}
		return cfg.Less(a, b)
	}
	q.errorBackoff.less = func(a, b *PodInfo) bool { return a.BackoffExpiration.Before(b.BackoffExpiration) }
	q.flight.init()
	return q, nil
}

// Run moves pods whose time has come until ctx ends, then closes the queue.
func (q *Queue) Run(ctx context.Context) error {
	for {
		q.mu.Lock()
		next := q.flushDue()
		q.mu.Unlock()
		timer := q.cfg.Clock.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			q.Close()
			return nil
		case <-q.wake:
			timer.Stop()
		case <-timer.C():
		}
	}
}

// Close makes every Pop return.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.cond.Broadcast()
}

// Add takes in a pod without a node.
func (q *Queue) Add(ctx context.Context, pod *v1.Pod) {
	info, _ := cache.NewPodInfo(pod)
	q.mu.Lock()
	defer q.mu.Unlock()
	if known, ok := q.pods[pod.UID]; ok {
		q.update(ctx, known, nil, info)
		return
	}
	q.insert(ctx, info, "PodAdd")
}

func (q *Queue) insert(ctx context.Context, info *cache.PodInfo, event string) {
	pod := &PodInfo{Pod: info, Timestamp: q.cfg.Clock.Now(), UnschedulablePlugins: sets.New[string](), PendingPlugins: sets.New[string]()}
	q.pods[info.GetPod().UID] = pod
	q.cfg.Nominator.AddNominatedPod(q.cfg.Logger, info, nil)
	q.activate(ctx, pod, event)
}

// Update takes in a newer version of a pod without a node.
func (q *Queue) Update(ctx context.Context, old, pod *v1.Pod) {
	info, _ := cache.NewPodInfo(pod)
	q.mu.Lock()
	defer q.mu.Unlock()
	known, ok := q.pods[pod.UID]
	if !ok {
		q.insert(ctx, info, "PodAdd")
		return
	}
	q.update(ctx, known, old, info)
}

func (q *Queue) update(ctx context.Context, pod *PodInfo, old *v1.Pod, info *cache.PodInfo) {
	if old == nil {
		old = pod.Object()
	}
	new := info.GetPod()
	if pod.where == inFlight {
		// The cycle works on the version it popped; what changed is asked about when the pod comes back.
		for _, event := range podEvents(old, new) {
			q.flight.record(event, old, new)
		}
		pod.newer(info)
		q.cfg.Nominator.UpdateNominatedPod(q.cfg.Logger, old, info)
		return
	}
	pod.Pod, pod.SignatureSet = info, false
	q.cfg.Nominator.UpdateNominatedPod(q.cfg.Logger, old, info)
	switch pod.where {
	case inActive:
		q.active.fix(pod)
	case inBackoff:
		q.backoff.fix(pod)
	case inErrorBackoff:
		q.errorBackoff.fix(pod)
	case inGated, inUnschedulable:
		for _, event := range podEvents(old, new) {
			if q.reconsider(ctx, pod, event, q.concernedFor(pod, event), old, new) {
				return
			}
		}
	}
}

// Delete forgets a pod: it is gone, or has a node now.
func (q *Queue) Delete(pod *v1.Pod) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cfg.Nominator.DeleteNominatedPodIfExists(pod)
	known, ok := q.pods[pod.UID]
	if !ok {
		return
	}
	if known.where == inFlight {
		known.forgotten = true
		return
	}
	q.takeOut(known)
	for plugin := range known.rejectors() {
		q.rejectGauge(known, plugin, -1)
	}
	delete(q.pods, pod.UID)
}

// Pop blocks until a pod is ready, and marks it in flight; every popped pod must be given back by Return or Done.
func (q *Queue) Pop() (*PodInfo, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.active.Len() == 0 && q.backoff.Len() == 0 {
		if q.closed {
			return nil, ErrClosed
		}
		q.cond.Wait()
	}
	if q.closed {
		return nil, ErrClosed
	}
	// With nothing else to do there is no reason to let a pod sit out its back-off, except after errors, where back-off
	// protects the API server.
	var pod *PodInfo
	if q.active.Len() > 0 {
		pod = q.active.pop()
	} else {
		pod = q.backoff.pop()
	}
	q.gauge(pod.where, -1)
	pod.where = inFlight
	pod.Attempts++
	if pod.InitialAttempt == nil {
		now := q.cfg.Clock.Now()
		pod.InitialAttempt = &now
	}
	for plugin := range pod.rejectors() {
		q.rejectGauge(pod, plugin, -1)
	}
	pod.UnschedulablePlugins, pod.PendingPlugins = sets.New[string](), sets.New[string]()
	pod.GatingPlugin, pod.GatingEvents = "", nil
	q.flight.start(pod.Object().UID)
	return pod, nil
}

// Done tells that a popped pod will not come back: it has been given to its node.
func (q *Queue) Done(uid types.UID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flight.finish(uid)
	if pod, ok := q.pods[uid]; ok && pod.where == inFlight {
		pod.where = nowhere
		delete(q.pods, uid)
	}
}

// Contains tells whether the pod is anywhere in the queue.
func (q *Queue) Contains(uid types.UID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, ok := q.pods[uid]
	return ok
}

// Get returns the newest version of a pending pod, or nil.
func (q *Queue) Get(uid types.UID) *v1.Pod {
	q.mu.Lock()
	defer q.mu.Unlock()
	pod, ok := q.pods[uid]
	if !ok || pod.forgotten {
		return nil
	}
	if pod.next != nil {
		return pod.next.GetPod()
	}
	return pod.Object()
}

// Pending returns all pods that wait, for dumps and tests, and a summary.
func (q *Queue) Pending() (active, backoff, unschedulable, gated int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, pod := range q.waiting {
		if pod.where == inGated {
			gated++
		} else {
			unschedulable++
		}
	}
	return q.active.Len(), q.backoff.Len() + q.errorBackoff.Len(), unschedulable, gated
}
