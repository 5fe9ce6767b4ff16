package namespace

import (
	"context"
	"errors"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/discovery"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client     kubernetes.Interface
	Metadata   metadata.Interface
	Discovery  discovery.DiscoveryInterface
	Namespaces coreinformers.NamespaceInformer
	Pods       coreinformers.PodInformer
	Workers    int
	Metrics    workqueue.MetricsProvider
	Clock      clock.WithTicker
}

// Controller deletes the contents of namespaces.
type Controller struct {
	client     kubernetes.Interface
	metadata   metadata.Interface
	discovery  discovery.DiscoveryInterface
	namespaces corelisters.NamespaceLister
	queue      *worker.Queue[worker.Key]
	clock      clock.Clock
}

// settle gives writers that saw the namespace as active a moment to finish, in a cluster with several API servers: what
// they still create is then found by the first look.
const settle = 100 * time.Millisecond

// New builds the controller and connects it to its informer.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Metadata == nil || cfg.Discovery == nil || cfg.Namespaces == nil || cfg.Pods == nil {
		return nil, errors.New("namespace controller: Client, Metadata, Discovery, Namespaces and Pods are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, metadata: cfg.Metadata, discovery: cfg.Discovery, namespaces: cfg.Namespaces.Lister(), clock: cfg.Clock}
	var err error
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "namespace", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics,
		Clock: cfg.Clock, MaxBackoff: time.Minute})
	if err != nil {
		return nil, err
	}
	enqueue := func(ns *v1.Namespace) {
		if ns.DeletionTimestamp != nil {
			c.queue.EnqueueAfter(worker.KeyOf(ns), settle)
		}
	}
	err = worker.Watch(c.queue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{Delete: func(p *v1.Pod) {
		if ns, err := c.namespaces.Get(p.Namespace); err == nil && ns.DeletionTimestamp != nil {
			c.queue.Enqueue(worker.Key{Name: p.Namespace})
		}
	}})
	if err != nil {
		return nil, err
	}
	return c, worker.Watch(c.queue, cfg.Namespaces.Informer(), worker.Handler[*v1.Namespace]{
		Add: enqueue,
		Update: func(old, ns *v1.Namespace) {
			// Its own status writes come back here too; the pending retry already covers them.
			if old.DeletionTimestamp == nil || len(old.Spec.Finalizers) != len(ns.Spec.Finalizers) {
				enqueue(ns)
			}
		},
	})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }
