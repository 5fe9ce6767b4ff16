package horizontalpodautoscaler

import (
	"context"
	"errors"
	"sync"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	autoscalinginformers "k8s.io/client-go/informers/autoscaling/v2"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	autoscalinglisters "k8s.io/client-go/listers/autoscaling/v2"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Scales reads and writes the scale subresource of any kind.
type Scales interface {
	Get(ctx context.Context, namespace, apiVersion, kind, name string) (*autoscalingv1.Scale, schema.GroupResource, error)
	Update(ctx context.Context, resource schema.GroupResource, scale *autoscalingv1.Scale) error
}

// Settings have upstream's flags of similar names.
type Settings struct {
	SyncPeriod, DownscaleStabilization time.Duration
	Tolerance                          float64
	CPUInitialization, ReadinessDelay  time.Duration
}

// Config of the controller.
type Config struct {
	Settings
	Client      kubernetes.Interface
	Autoscalers autoscalinginformers.HorizontalPodAutoscalerInformer
	Pods        coreinformers.PodInformer
	Scales      Scales
	Measured    Metrics
	Events      record.EventRecorder
	Workers     int
	Metrics     workqueue.MetricsProvider
	Clock       clock.WithTicker
}

// Controller scales targets.
type Controller struct {
	cfg         Config
	autoscalers autoscalinglisters.HorizontalPodAutoscalerLister
	pods        corelisters.PodLister
	queue       *worker.Queue[worker.Key]

	mu        sync.Mutex
	histories map[worker.Key]*history
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Autoscalers == nil || cfg.Pods == nil || cfg.Scales == nil || cfg.Measured == nil || cfg.Events == nil {
		return nil, errors.New("horizontal pod autoscaler: Client, informers, Scales, Measured and Events are required")
	}
	if cfg.SyncPeriod <= 0 {
		return nil, errors.New("horizontal pod autoscaler: SyncPeriod must be positive")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{cfg: cfg, autoscalers: cfg.Autoscalers.Lister(), pods: cfg.Pods.Lister(), histories: map[worker.Key]*history{}}
	var err error
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "horizontalpodautoscaler", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock})
	if err != nil {
		return nil, err
	}
	c.queue.WaitFor(cfg.Pods.Informer().HasSynced)
	return c, worker.Watch(c.queue, cfg.Autoscalers.Informer(), worker.Handler[*autoscalingv2.HorizontalPodAutoscaler]{
		Add: func(a *autoscalingv2.HorizontalPodAutoscaler) { c.queue.Enqueue(worker.KeyOf(a)) },
		// Its own status is no news; the rounds come by the clock.
		Update: func(old, a *autoscalingv2.HorizontalPodAutoscaler) {
			if old.Generation != a.Generation || a.Status.ObservedGeneration == nil {
				c.queue.Enqueue(worker.KeyOf(a))
			}
		},
		Delete: func(a *autoscalingv2.HorizontalPodAutoscaler) {
			c.mu.Lock()
			defer c.mu.Unlock()
			delete(c.histories, worker.KeyOf(a))
		},
	})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// history of one autoscaler. Its key is synced by one goroutine at a time, so what it points to needs no lock.
func (c *Controller) history(k worker.Key) *history {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.histories[k]
	if h == nil {
		h = &history{}
		c.histories[k] = h
	}
	return h
}
