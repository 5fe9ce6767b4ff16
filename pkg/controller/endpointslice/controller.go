package endpointslice

import (
	"context"
	"errors"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	coreinformers "k8s.io/client-go/informers/core/v1"
	discoveryinformers "k8s.io/client-go/informers/discovery/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	endpointslices "k8s.io/endpointslice"
	"k8s.io/endpointslice/topologycache"
	sliceutil "k8s.io/endpointslice/util"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// ManagedBy is the value of the managed-by label on the slices of this controller.
const ManagedBy = "endpointslice-controller.k8s.io"

// Config of the controller.
type Config struct {
	Client         kubernetes.Interface
	Services       coreinformers.ServiceInformer
	Pods           coreinformers.PodInformer
	Nodes          coreinformers.NodeInformer
	EndpointSlices discoveryinformers.EndpointSliceInformer
	Events         record.EventRecorder
	// MaxEndpoints per slice; 100 by default.
	MaxEndpoints int32
	// BatchPeriod gathers pod changes for so long before a service is synced.
	BatchPeriod time.Duration
	Workers     int
	Metrics     workqueue.MetricsProvider
}

// Controller writes EndpointSlices.
type Controller struct {
	services   corelisters.ServiceLister
	pods       corelisters.PodLister
	nodes      corelisters.NodeLister
	slices     discoverylisters.EndpointSliceLister
	reconciler *endpointslices.Reconciler
	tracker    *sliceutil.EndpointSliceTracker
	topology   *topologycache.TopologyCache
	triggers   *triggers
	batch      time.Duration
	queue      *worker.Queue[worker.Key]
	nodeMu     sync.Mutex // the topology cache takes complete node lists; they must not overtake each other
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Services == nil || cfg.Pods == nil || cfg.Nodes == nil || cfg.EndpointSlices == nil || cfg.Events == nil {
		return nil, errors.New("endpointslice controller: Client, Services, Pods, Nodes, EndpointSlices and Events are required")
	}
	if cfg.MaxEndpoints == 0 {
		cfg.MaxEndpoints = 100
	}
	c := &Controller{
		services: cfg.Services.Lister(), pods: cfg.Pods.Lister(), nodes: cfg.Nodes.Lister(), slices: cfg.EndpointSlices.Lister(),
		tracker: sliceutil.NewEndpointSliceTracker(), topology: topologycache.NewTopologyCache(), triggers: newTriggers(), batch: cfg.BatchPeriod,
	}
	c.reconciler = endpointslices.NewReconciler(cfg.Client, c.nodes, cfg.MaxEndpoints, c.tracker, c.topology, cfg.Events, ManagedBy,
		endpointslices.WithPreferSameTrafficDistributionEnabled(true))
	var err error
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "endpoint_slice", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics,
		MinBackoff: 20 * time.Millisecond, MaxBackoff: time.Minute})
	if err != nil {
		return nil, err
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Services.Informer(), worker.Self[*v1.Service](c.queue)),
		worker.Watch(c.queue, cfg.Pods.Informer(), c.podHandler()),
		worker.Watch(c.queue, cfg.Nodes.Informer(), c.nodeHandler()),
		worker.Watch(c.queue, cfg.EndpointSlices.Informer(), c.sliceHandler()),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) podHandler() worker.Handler[*v1.Pod] {
	changed := func(old, pod any) {
		projection := sliceutil.GetPodUpdateProjectionKey(old, pod)
		if projection == nil {
			return
		}
		keys, err := sliceutil.GetServicesToUpdate(c.services, projection)
		if err != nil {
			return // the service cache answers every question about a namespace
		}
		for k := range keys {
			c.enqueue(k)
		}
	}
	return worker.Handler[*v1.Pod]{
		Add:    func(p *v1.Pod) { changed(nil, p) },
		Update: func(old, p *v1.Pod) { changed(old, p) },
		Delete: func(p *v1.Pod) { changed(nil, p) },
	}
}

func (c *Controller) enqueue(key string) {
	name, err := keyFromString(key)
	if err != nil {
		return
	}
	if c.batch > 0 {
		c.queue.EnqueueAfter(name, c.batch)
		return
	}
	c.queue.Enqueue(name)
}

// sliceHandler queues a service when somebody else changed its slices.
func (c *Controller) sliceHandler() worker.Handler[*discoveryv1.EndpointSlice] {
	queue := func(s *discoveryv1.EndpointSlice) {
		if name := s.Labels[discoveryv1.LabelServiceName]; name != "" {
			c.queue.Enqueue(worker.Key{Namespace: s.Namespace, Name: name})
		}
	}
	return worker.Handler[*discoveryv1.EndpointSlice]{
		Add: func(s *discoveryv1.EndpointSlice) {
			if c.reconciler.ManagedByController(s) && c.tracker.ShouldSync(s) {
				queue(s)
			}
		},
		Update: func(old, s *discoveryv1.EndpointSlice) {
			switch {
			case old.Labels[discoveryv1.LabelServiceName] != s.Labels[discoveryv1.LabelServiceName]:
				queue(old)
				queue(s)
			case c.reconciler.ManagedByChanged(old, s), c.reconciler.ManagedByController(s) && c.tracker.ShouldSync(s):
				queue(s)
			}
		},
		Delete: func(s *discoveryv1.EndpointSlice) {
			if c.reconciler.ManagedByController(s) && c.tracker.Has(s) && !c.tracker.HandleDeletion(s) {
				queue(s)
			}
		},
	}
}

// nodeHandler keeps the topology cache: zones and their CPUs decide topology hints.
func (c *Controller) nodeHandler() worker.Handler[*v1.Node] {
	refresh := func() {
		nodes, err := c.nodes.List(labels.Everything())
		if err != nil {
			return
		}
		c.nodeMu.Lock()
		defer c.nodeMu.Unlock()
		c.topology.SetNodes(logger, nodes)
		for _, key := range c.topology.GetOverloadedServices() {
			c.enqueue(key)
		}
	}
	return worker.Handler[*v1.Node]{
		Add: func(*v1.Node) { refresh() },
		Update: func(old, n *v1.Node) {
			if zoneShapeChanged(old, n) {
				refresh()
			}
		},
		Delete: func(*v1.Node) { refresh() },
	}
}
