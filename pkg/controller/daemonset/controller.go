package daemonset

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	appsinformers "k8s.io/client-go/informers/apps/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/history"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// GVK of DaemonSet.
var GVK = appsv1.SchemeGroupVersion.WithKind("DaemonSet")

// Config of the controller.
type Config struct {
	Client    kubernetes.Interface
	Sets      appsinformers.DaemonSetInformer
	Revisions appsinformers.ControllerRevisionInformer
	Pods      coreinformers.PodInformer
	Nodes     coreinformers.NodeInformer
	Events    record.EventRecorder
	Workers   int
	Metrics   workqueue.MetricsProvider
	Clock     clock.WithTicker
}

// Controller runs DaemonSets.
type Controller struct {
	client  kubernetes.Interface
	sets    appslisters.DaemonSetLister
	nodes   corelisters.NodeLister
	pods    podcontrol.Pods
	control podcontrol.Control
	history history.Keeper
	expect  *podcontrol.Expectations[worker.Key]
	events  record.EventRecorder
	queue   *worker.Queue[worker.Key]
	clock   clock.Clock
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Sets == nil || cfg.Revisions == nil || cfg.Pods == nil || cfg.Nodes == nil || cfg.Events == nil {
		return nil, errors.New("daemonset controller: Client, Sets, Revisions, Pods, Nodes and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, sets: cfg.Sets.Lister(), nodes: cfg.Nodes.Lister(), events: cfg.Events, clock: cfg.Clock,
		control: podcontrol.Control{Client: cfg.Client, Events: cfg.Events}}
	c.history = history.Keeper{Client: cfg.Client, Revisions: cfg.Revisions.Lister(), OwnerKind: GVK, Fresh: c.fresh}
	var err error
	if c.pods, err = podcontrol.Index(cfg.Pods.Informer()); err != nil {
		return nil, err
	}
	c.expect = podcontrol.NewExpectations[worker.Key](c.pods.Store(), cfg.Clock)
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "daemonset", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock})
	if err != nil {
		return nil, err
	}
	owners := worker.Owners{Kind: GVK.Kind, UIDOf: c.uidOf, Adopters: c.adopters}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Sets.Informer(), worker.Self[*appsv1.DaemonSet](c.queue)),
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Owned(c.queue, owners, c.podChanged)),
		worker.Watch(c.queue, cfg.Revisions.Informer(), worker.Owned[*appsv1.ControllerRevision](c.queue, owners, nil)),
		worker.Watch(c.queue, cfg.Nodes.Informer(), worker.Handler[*v1.Node]{
			Add: func(*v1.Node) { c.enqueueAll() },
			Update: func(old, n *v1.Node) {
				if !maps.Equal(old.Labels, n.Labels) || !slices.EqualFunc(old.Spec.Taints, n.Spec.Taints, func(a, b v1.Taint) bool { return a.MatchTaint(&b) && a.Value == b.Value }) {
					c.enqueueAll()
				}
			},
			Delete: func(*v1.Node) { c.enqueueAll() },
		}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) fresh(ctx context.Context, namespace, name string) (metav1.Object, error) {
	return c.client.AppsV1().DaemonSets(namespace).Get(ctx, name, metav1.GetOptions{})
}

func (c *Controller) uidOf(namespace, name string) (types.UID, bool) {
	ds, err := c.sets.DaemonSets(namespace).Get(name)
	if err != nil {
		return "", false
	}
	return ds.UID, true
}

func (c *Controller) adopters(orphan metav1.Object) []worker.Key {
	all, err := c.sets.DaemonSets(orphan.GetNamespace()).List(labels.Everything())
	if err != nil {
		return nil
	}
	var keys []worker.Key
	for _, ds := range all {
		if s, err := metav1.LabelSelectorAsSelector(ds.Spec.Selector); err == nil && !s.Empty() && s.Matches(labels.Set(orphan.GetLabels())) {
			keys = append(keys, worker.KeyOf(ds))
		}
	}
	return keys
}

func (c *Controller) podChanged(owner worker.Key, old, p *v1.Pod) {
	if podstate.IsReady(old) || !podstate.IsReady(p) {
		return
	}
	if ds, err := c.sets.DaemonSets(owner.Namespace).Get(owner.Name); err == nil && ds.Spec.MinReadySeconds > 0 {
		c.queue.EnqueueAfter(owner, time.Duration(ds.Spec.MinReadySeconds)*time.Second+time.Second)
	}
}

func (c *Controller) enqueueAll() {
	all, err := c.sets.List(labels.Everything())
	if err != nil {
		return
	}
	for _, ds := range all {
		c.queue.Enqueue(worker.KeyOf(ds))
	}
}
