package garbagecollector

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Metadata  metadata.Interface
	Discovery discovery.DiscoveryInterface
	Events    record.EventRecorder
	// Shared returns an informer that the process has anyway for this resource, or nil; then a watch of metadata only is
	// started. It must be running or about to run.
	Shared func(schema.GroupVersionResource) cache.SharedIndexInformer
	// Ignored resources are never watched. Default: events, which come in masses and own nothing.
	Ignored []schema.GroupResource
	// ResyncPeriod is the longest time until a resource that appeared without a CRD or APIService event is noticed.
	ResyncPeriod time.Duration
	Workers      int
	Metrics      workqueue.MetricsProvider
	Clock        clock.WithTicker
}

// Controller collects garbage.
type Controller struct {
	cfg    Config
	graph  *graph
	check  *worker.Queue[types.UID]
	orphan *worker.Queue[types.UID]
	absent *absentees

	// gate holds the workers back while monitors of new resources fill: deciding without their objects could overlook
	// dependents.
	gate     sync.RWMutex
	mapper   *mapping
	monitors map[schema.GroupVersionResource]*monitor // used by the discovery goroutine only
	changed  chan struct{}
}

// New builds the controller. It contacts nobody.
func New(cfg Config) (*Controller, error) {
	if cfg.Metadata == nil || cfg.Discovery == nil || cfg.Events == nil {
		return nil, errors.New("garbage collector: Metadata, Discovery and Events are required")
	}
	if cfg.Ignored == nil {
		cfg.Ignored = []schema.GroupResource{{Resource: "events"}, {Group: "events.k8s.io", Resource: "events"}}
	}
	if cfg.ResyncPeriod == 0 {
		cfg.ResyncPeriod = 30 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	if cfg.Shared == nil {
		cfg.Shared = func(schema.GroupVersionResource) cache.SharedIndexInformer { return nil }
	}
	c := &Controller{cfg: cfg, graph: newGraph(), absent: newAbsentees(), mapper: &mapping{},
		monitors: map[schema.GroupVersionResource]*monitor{}, changed: make(chan struct{}, 1)}
	var err error
	queue := worker.Config[types.UID]{Name: "garbage_collector_attempt_to_delete", Workers: cfg.Workers, Sync: c.gated(c.checkOne), Metrics: cfg.Metrics,
		Clock: cfg.Clock, MaxBackoff: time.Minute}
	if c.check, err = worker.New(queue); err != nil {
		return nil, err
	}
	queue.Name, queue.Sync = "garbage_collector_attempt_to_orphan", c.gated(c.orphanOne)
	c.orphan, err = worker.New(queue)
	return c, err
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error {
	first := make(chan struct{})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.follow(ctx, first) })
	g.Go(func() error {
		select {
		case <-first:
		case <-ctx.Done():
			return nil
		}
		g.Go(func() error { return c.orphan.Run(ctx) })
		return c.check.Run(ctx)
	})
	return g.Wait()
}

func (c *Controller) gated(sync func(context.Context, types.UID) error) func(context.Context, types.UID) error {
	return func(ctx context.Context, uid types.UID) error {
		c.gate.RLock()
		defer c.gate.RUnlock()
		return sync(ctx, uid)
	}
}

// do queues what a change of the graph asks for.
func (c *Controller) do(w work) {
	for _, uid := range w.check {
		c.check.Enqueue(uid)
	}
	for _, uid := range w.orphan {
		c.orphan.Enqueue(uid)
	}
	for _, i := range w.invalid {
		ref := &v1.ObjectReference{APIVersion: i.dependent.APIVersion, Kind: i.dependent.Kind, Namespace: i.dependent.Namespace, Name: i.dependent.Name, UID: i.dependent.UID}
		c.cfg.Events.Eventf(ref, v1.EventTypeWarning, "OwnerRefInvalidNamespace", "ownerRef %s/%s %s (%s) does not exist in namespace %q",
			i.ref.APIVersion, i.ref.Kind, i.ref.Name, i.ref.UID, i.dependent.Namespace)
	}
}

// handler feeds one resource's events into the graph.
func (c *Controller) handler(gvk schema.GroupVersionKind) cache.ResourceEventHandler {
	observe := func(o any) {
		if obj, ok := o.(metav1.Object); ok {
			c.do(c.graph.observe(gvk, obj))
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    observe,
		UpdateFunc: func(_, o any) { observe(o) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			if obj, ok := o.(metav1.Object); ok {
				c.do(c.graph.remove(obj.GetUID()))
			}
		},
	}
}
