package endpoints

import (
	"context"
	"errors"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	sliceutil "k8s.io/endpointslice/util"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client      kubernetes.Interface
	Services    coreinformers.ServiceInformer
	Pods        coreinformers.PodInformer
	Endpoints   coreinformers.EndpointsInformer
	Events      record.EventRecorder
	BatchPeriod time.Duration
	Workers     int
	Metrics     workqueue.MetricsProvider
}

// Controller writes Endpoints.
type Controller struct {
	client    kubernetes.Interface
	services  corelisters.ServiceLister
	pods      corelisters.PodLister
	endpoints corelisters.EndpointsLister
	events    record.EventRecorder
	batch     time.Duration
	queue     *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Services == nil || cfg.Pods == nil || cfg.Endpoints == nil || cfg.Events == nil {
		return nil, errors.New("endpoints controller: Client, Services, Pods, Endpoints and Events are required")
	}
	c := &Controller{client: cfg.Client, services: cfg.Services.Lister(), pods: cfg.Pods.Lister(), endpoints: cfg.Endpoints.Lister(), events: cfg.Events, batch: cfg.BatchPeriod}
	var err error
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "endpoint", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics, MaxBackoff: time.Minute})
	if err != nil {
		return nil, err
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Services.Informer(), worker.Self[*v1.Service](c.queue)),
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{
			Add:    func(p *v1.Pod) { c.podChanged(nil, p) },
			Update: func(old, p *v1.Pod) { c.podChanged(old, p) },
			Delete: func(p *v1.Pod) { c.podChanged(nil, p) },
		}),
		// An Endpoints object whose service went away while nobody watched is found by its arrival.
		worker.Watch(c.queue, cfg.Endpoints.Informer(), worker.Handler[*v1.Endpoints]{
			Add: func(e *v1.Endpoints) {
				if e.Labels[managedBy] == managerName {
					c.queue.Enqueue(worker.KeyOf(e))
				}
			},
			Delete: func(e *v1.Endpoints) { c.queue.Enqueue(worker.KeyOf(e)) },
		}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) podChanged(old, p any) {
	projection := sliceutil.GetPodUpdateProjectionKey(old, p)
	if projection == nil {
		return
	}
	keys, err := sliceutil.GetServicesToUpdate(c.services, projection)
	if err != nil {
		return // the service cache answers every question about a namespace
	}
	for k := range keys {
		if namespace, name, ok := strings.Cut(k, "/"); ok {
			c.queue.EnqueueAfter(worker.Key{Namespace: namespace, Name: name}, c.batch)
		}
	}
}
