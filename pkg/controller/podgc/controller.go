package podgc

import (
	"context"
	"errors"
	"time"

	v1 "k8s.io/api/core/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client kubernetes.Interface
	Pods   coreinformers.PodInformer
	Nodes  coreinformers.NodeInformer
	// Threshold is how many finished pods may stay. Zero or less: all.
	Threshold int
	Metrics   workqueue.MetricsProvider
	Clock     clock.WithTicker
}

const (
	// quarantine is how long a node must be missing until its pods are taken for lost: a node object may be deleted and made
	// again while its kubelet goes on.
	quarantine = 40 * time.Second
	// sweepDelay gathers finished pods before they are counted.
	sweepDelay = 20 * time.Second
)

// sweep is the key for counting finished pods.
var sweep = worker.Key{}

// Controller deletes stray pods.
type Controller struct {
	client    kubernetes.Interface
	pods      corelisters.PodLister
	nodes     corelisters.NodeLister
	index     podcontrol.Pods
	threshold int
	queue     *worker.Queue[worker.Key]
	clock     clock.Clock
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Pods == nil || cfg.Nodes == nil {
		return nil, errors.New("pod garbage collector: Client, Pods and Nodes are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, pods: cfg.Pods.Lister(), nodes: cfg.Nodes.Lister(), threshold: cfg.Threshold, clock: cfg.Clock}
	var err error
	if c.index, err = podcontrol.Index(cfg.Pods.Informer()); err != nil {
		return nil, err
	}
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "pod_garbage_collector", Workers: 2, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock,
		MaxBackoff: time.Minute})
	if err != nil {
		return nil, err
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{Add: c.look, Update: func(_, p *v1.Pod) { c.look(p) }}),
		worker.Watch(c.queue, cfg.Nodes.Informer(), worker.Handler[*v1.Node]{
			Add: func(n *v1.Node) { c.lookNode(n, 0) },
			Update: func(old, n *v1.Node) {
				if outOfService(n) && (!outOfService(old) || ready(old) != ready(n)) {
					c.lookNode(n, 0)
				}
			},
			Delete: func(n *v1.Node) { c.lookNode(n, quarantine) },
		}))
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// look queues a pod that is, or may become, a candidate.
func (c *Controller) look(p *v1.Pod) {
	if podstate.IsTerminal(p) && c.threshold > 0 {
		c.queue.EnqueueAfter(sweep, sweepDelay)
	}
	if p.Spec.NodeName == "" {
		if p.DeletionTimestamp != nil {
			c.queue.Enqueue(worker.KeyOf(p))
		}
		return
	}
	n, err := c.nodes.Get(p.Spec.NodeName)
	switch {
	case err != nil:
		c.queue.EnqueueAfter(worker.KeyOf(p), quarantine)
	case p.DeletionTimestamp != nil && outOfService(n):
		c.queue.Enqueue(worker.KeyOf(p))
	}
}

func (c *Controller) lookNode(n *v1.Node, after time.Duration) {
	if after == 0 && !outOfService(n) {
		return
	}
	pods, err := c.index.On(n.Name)
	if err != nil {
		return // only without the index, which New has made
	}
	for _, p := range pods {
		c.queue.EnqueueAfter(worker.KeyOf(p), after)
	}
}

func outOfService(n *v1.Node) bool {
	for _, t := range n.Spec.Taints {
		if t.Key == v1.TaintNodeOutOfService {
			return true
		}
	}
	return false
}

func ready(n *v1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == v1.NodeReady {
			return c.Status == v1.ConditionTrue
		}
	}
	return false
}
