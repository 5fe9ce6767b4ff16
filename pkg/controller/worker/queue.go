package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Key names one namespaced or cluster-wide object; it is what most controllers queue.
type Key = cache.ObjectName

// KeyOf returns the key of an object.
func KeyOf(o metav1.Object) Key { return cache.MetaObjectToName(o) }

// ErrNotYet is returned, wrapped, by a Sync that cannot decide yet because its cache is behind. The key is tried again
// without a word in the log.
var ErrNotYet = errors.New("the cache is behind")

// Config says what a queue does with its keys.
type Config[K comparable] struct {
	// Name of the queue in metrics (upstream's queue name) and logs.
	Name string
	// Workers is how many keys are synced at the same time. At least one.
	Workers int
	// Sync brings one key to its desired state. An error leads to a retry.
	Sync func(ctx context.Context, key K) error
	// Metrics of the component's registry; see NewMetrics. Optional.
	Metrics workqueue.MetricsProvider
	// MinBackoff and MaxBackoff bound the wait before a retry. Zero means 5 ms and 1000 s, as upstream.
	MinBackoff, MaxBackoff time.Duration
	// MaxRetries gives up on a key until its next event after so many failures in a row. Zero never gives up.
	MaxRetries int
	// Clock for delays. Optional.
	Clock clock.WithTicker
}

// Queue holds the keys of one controller and works on them.
type Queue[K comparable] struct {
	cfg   Config[K]
	queue workqueue.TypedRateLimitingInterface[K]

	mu      sync.Mutex
	watches []watch
	synced  []cache.InformerSynced
}

type watch struct {
	informer     cache.SharedIndexInformer
	registration cache.ResourceEventHandlerRegistration
}

// New builds a queue; nothing runs yet, but keys can be added.
func New[K comparable](cfg Config[K]) (*Queue[K], error) {
	if cfg.Name == "" || cfg.Sync == nil {
		return nil, errors.New("controller queue: Name and Sync are required")
	}
	if cfg.Workers < 1 {
		return nil, fmt.Errorf("controller queue %s: %d workers", cfg.Name, cfg.Workers)
	}
	if cfg.MinBackoff == 0 {
		cfg.MinBackoff = 5 * time.Millisecond
	}
	if cfg.MaxBackoff == 0 {
		cfg.MaxBackoff = 1000 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[K](cfg.MinBackoff, cfg.MaxBackoff)
	return &Queue[K]{cfg: cfg, queue: workqueue.NewTypedRateLimitingQueueWithConfig(limiter,
		workqueue.TypedRateLimitingQueueConfig[K]{Name: cfg.Name, MetricsProvider: cfg.Metrics, Clock: seldom{cfg.Clock}})}, nil
}

// seldom is a clock with slow tickers. A queue has two: one that keeps the age of unfinished work in the metrics, every half
// second, and one that only guards against lost timers. With fifty idle queues the first would wake the processor a hundred
// times a second for figures that are read every fifteen.
type seldom struct{ clock.WithTicker }

// NewTicker ticks every ten seconds or less often.
func (s seldom) NewTicker(d time.Duration) clock.Ticker {
	return s.WithTicker.NewTicker(max(d, 10*time.Second))
}

// Enqueue asks for a sync of the key soon.
func (q *Queue[K]) Enqueue(key K) { q.queue.Add(key) }

// EnqueueAfter asks for a sync of the key after d.
func (q *Queue[K]) EnqueueAfter(key K, d time.Duration) { q.queue.AddAfter(key, d) }

// EnqueueRateLimited asks for a sync after the key's back-off, which grows with each call until a sync succeeds.
func (q *Queue[K]) EnqueueRateLimited(key K) { q.queue.AddRateLimited(key) }

// Len is the number of waiting keys.
func (q *Queue[K]) Len() int { return q.queue.Len() }

// WaitFor makes Run wait for further conditions before the first sync, beside the informers given to Watch.
func (q *Queue[K]) WaitFor(synced ...cache.InformerSynced) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.synced = append(q.synced, synced...)
}

// HasSynced tells whether every watched informer has delivered its first list to this queue.
func (q *Queue[K]) HasSynced() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.synced {
		if !s() {
			return false
		}
	}
	return true
}

// Run syncs keys until ctx is done and returns when the last Sync has returned.
func (q *Queue[K]) Run(ctx context.Context) error {
	logger := klog.LoggerWithName(klog.FromContext(ctx), q.cfg.Name)
	ctx = klog.NewContext(ctx, logger)
	defer q.unwatch()
	defer q.queue.ShutDown()
	if !cache.WaitForCacheSync(ctx.Done(), q.HasSynced) {
		return nil // stopped before the start
	}
	logger.V(2).Info("Started", "workers", q.cfg.Workers)
	var wg sync.WaitGroup
	for range q.cfg.Workers {
		wg.Go(func() {
			for q.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	q.queue.ShutDown()
	wg.Wait()
	return nil
}

func (q *Queue[K]) unwatch() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.watches {
		// An informer that has stopped has dropped its handlers already.
		_ = w.informer.RemoveEventHandler(w.registration)
	}
	q.watches = nil
}

func (q *Queue[K]) next(ctx context.Context) bool {
	key, shutdown := q.queue.Get()
	if shutdown || ctx.Err() != nil {
		return false
	}
	defer q.queue.Done(key)
	err := q.sync(ctx, key)
	switch {
	case err == nil:
		q.queue.Forget(key)
	case ctx.Err() != nil:
		return false // failures of the stop itself are no news
	case q.cfg.MaxRetries > 0 && q.queue.NumRequeues(key) >= q.cfg.MaxRetries:
		klog.FromContext(ctx).Error(err, "Giving up until the next change", "key", key)
		q.queue.Forget(key)
	default:
		q.logRetry(ctx, key, err)
		q.queue.AddRateLimited(key)
	}
	return true
}

// logRetry keeps conflicts quiet: losing a race against another writer is ordinary, and the cache catches up by itself.
func (q *Queue[K]) logRetry(ctx context.Context, key K, err error) {
	if apierrors.IsConflict(err) || errors.Is(err, ErrNotYet) || apierrors.HasStatusCause(err, "NamespaceTerminating") {
		klog.FromContext(ctx).V(4).Info("Trying again", "key", key, "reason", err)
		return
	}
	klog.FromContext(ctx).Error(err, "Sync failed, trying again", "key", key, "failures", q.queue.NumRequeues(key)+1)
}

// sync turns a panic into an error: a defect in one controller, met with one object, must not stop the process.
func (q *Queue[K]) sync(ctx context.Context, key K) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return q.cfg.Sync(ctx, key)
}
