package nodelifecycle

import (
	"context"
	"errors"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	coordinationinformers "k8s.io/client-go/informers/coordination/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Settings are the times and rates, with upstream's flags of the same names.
type Settings struct {
	MonitorGracePeriod     time.Duration // how long a node may be silent
	StartupGracePeriod     time.Duration // the same before its first status
	EvictionRate           float32       // nodes a second that get NoExecute taints in a healthy zone
	SecondaryEvictionRate  float32       // the same in a failing zone that is large
	LargeClusterThreshold  int32         // a zone up to this size counts as small: failing, it is not evicted at all
	UnhealthyZoneThreshold float32       // share of nodes not ready from which a zone counts as failing
}

// DefaultSettings are upstream's.
func DefaultSettings() Settings {
	return Settings{MonitorGracePeriod: 50 * time.Second, StartupGracePeriod: time.Minute, EvictionRate: 0.1, SecondaryEvictionRate: 0.01,
		LargeClusterThreshold: 50, UnhealthyZoneThreshold: 0.55}
}

// Config of the controller.
type Config struct {
	Settings
	Client  kubernetes.Interface
	Nodes   coreinformers.NodeInformer
	Leases  coordinationinformers.LeaseInformer
	Pods    coreinformers.PodInformer
	Events  record.EventRecorder
	Workers int
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// Controller watches over nodes.
type Controller struct {
	settings Settings
	client   kubernetes.Interface
	nodes    corelisters.NodeLister
	pods     podcontrol.Pods
	events   record.EventRecorder
	queue    *worker.Queue[worker.Key]
	clock    clock.Clock
	zones    *zones

	mu    sync.Mutex
	known map[string]*health
}

// health is what is remembered of a node between syncs.
type health struct {
	heard time.Time // the last heartbeat, by the local clock
	ready v1.ConditionStatus
	// podsMarked is false while pods of a node that became not ready still have to be marked.
	podsMarked bool
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Nodes == nil || cfg.Leases == nil || cfg.Pods == nil || cfg.Events == nil {
		return nil, errors.New("node lifecycle: Client, Nodes, Leases, Pods and Events are required")
	}
	if cfg.MonitorGracePeriod <= 0 || cfg.StartupGracePeriod <= 0 {
		return nil, errors.New("node lifecycle: the grace periods must be positive")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{settings: cfg.Settings, client: cfg.Client, nodes: cfg.Nodes.Lister(), events: cfg.Events, clock: cfg.Clock,
		zones: newZones(cfg.Settings, cfg.Clock), known: map[string]*health{}}
	var err error
	if c.pods, err = podcontrol.Index(cfg.Pods.Informer()); err != nil {
		return nil, err
	}
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "node_lifecycle_controller", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics,
		Clock: cfg.Clock, MaxBackoff: 10 * time.Second})
	if err != nil {
		return nil, err
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Nodes.Informer(), c.nodeHandler()),
		worker.Watch(c.queue, cfg.Leases.Informer(), c.leaseHandler()),
		worker.Watch(c.queue, cfg.Pods.Informer(), c.podHandler()),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) nodeHandler() worker.Handler[*v1.Node] {
	return worker.Handler[*v1.Node]{
		Add: func(n *v1.Node) {
			c.hear(n.Name)
			c.queue.Enqueue(worker.KeyOf(n))
		},
		Update: func(old, n *v1.Node) {
			if heartbeat(old, n) {
				c.hear(n.Name)
			}
			if old.ResourceVersion != n.ResourceVersion && (conditionsDiffer(old, n) || old.Spec.Unschedulable != n.Spec.Unschedulable ||
				len(old.Spec.Taints) != len(n.Spec.Taints) || zoneOf(old) != zoneOf(n)) {
				c.queue.Enqueue(worker.KeyOf(n))
			}
		},
		Delete: func(n *v1.Node) { c.queue.Enqueue(worker.KeyOf(n)) },
	}
}

func (c *Controller) leaseHandler() worker.Handler[*coordinationv1.Lease] {
	heard := func(l *coordinationv1.Lease) {
		if l.Namespace == v1.NamespaceNodeLease {
			c.hear(l.Name)
		}
	}
	return worker.Handler[*coordinationv1.Lease]{
		Add: heard,
		Update: func(old, l *coordinationv1.Lease) {
			if !l.Spec.RenewTime.Equal(old.Spec.RenewTime) {
				heard(l)
			}
		},
	}
}

// podHandler marks a pod that is bound, or says it is ready, while its node is not.
func (c *Controller) podHandler() worker.Handler[*v1.Pod] {
	look := func(p *v1.Pod) {
		if p.Spec.NodeName == "" {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if h := c.known[p.Spec.NodeName]; h != nil && h.ready != "" && h.ready != v1.ConditionTrue {
			h.podsMarked = false
			c.queue.Enqueue(worker.Key{Name: p.Spec.NodeName})
		}
	}
	return worker.Handler[*v1.Pod]{Add: look, Update: func(old, p *v1.Pod) {
		if old.Spec.NodeName != p.Spec.NodeName {
			look(p)
		}
	}}
}

// hear notes a sign of life.
func (c *Controller) hear(node string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.known[node]
	if h == nil {
		h = &health{podsMarked: true}
		c.known[node] = h
	}
	h.heard = c.clock.Now()
}
