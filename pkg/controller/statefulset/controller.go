package statefulset

import (
	"context"
	"errors"
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

// GVK of StatefulSet.
var GVK = appsv1.SchemeGroupVersion.WithKind("StatefulSet")

// Config of the controller.
type Config struct {
	Client    kubernetes.Interface
	Sets      appsinformers.StatefulSetInformer
	Revisions appsinformers.ControllerRevisionInformer
	Pods      coreinformers.PodInformer
	Claims    coreinformers.PersistentVolumeClaimInformer
	Events    record.EventRecorder
	Workers   int
	Metrics   workqueue.MetricsProvider
	Clock     clock.WithTicker
}

// Controller runs StatefulSets.
type Controller struct {
	client  kubernetes.Interface
	sets    appslisters.StatefulSetLister
	claims  corelisters.PersistentVolumeClaimLister
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
	if cfg.Client == nil || cfg.Sets == nil || cfg.Revisions == nil || cfg.Pods == nil || cfg.Claims == nil || cfg.Events == nil {
		return nil, errors.New("statefulset controller: Client, Sets, Revisions, Pods, Claims and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, sets: cfg.Sets.Lister(), claims: cfg.Claims.Lister(), events: cfg.Events, clock: cfg.Clock,
		control: podcontrol.Control{Client: cfg.Client, Events: cfg.Events}}
	c.history = history.Keeper{Client: cfg.Client, Revisions: cfg.Revisions.Lister(), OwnerKind: GVK, Fresh: c.fresh}
	var err error
	if c.pods, err = podcontrol.Index(cfg.Pods.Informer()); err != nil {
		return nil, err
	}
	c.expect = podcontrol.NewExpectations[worker.Key](c.pods.Store(), cfg.Clock)
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "statefulset", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock})
	if err != nil {
		return nil, err
	}
	owners := worker.Owners{Kind: GVK.Kind, UIDOf: c.uidOf, Adopters: c.adopters}
	c.queue.WaitFor(cfg.Claims.Informer().HasSynced)
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Sets.Informer(), worker.Self[*appsv1.StatefulSet](c.queue)),
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Owned(c.queue, owners, c.podChanged)),
		worker.Watch(c.queue, cfg.Revisions.Informer(), worker.Owned[*appsv1.ControllerRevision](c.queue, owners, nil)),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) fresh(ctx context.Context, namespace, name string) (metav1.Object, error) {
	return c.client.AppsV1().StatefulSets(namespace).Get(ctx, name, metav1.GetOptions{})
}

func (c *Controller) uidOf(namespace, name string) (types.UID, bool) {
	s, err := c.sets.StatefulSets(namespace).Get(name)
	if err != nil {
		return "", false
	}
	return s.UID, true
}

func (c *Controller) adopters(orphan metav1.Object) []worker.Key {
	all, err := c.sets.StatefulSets(orphan.GetNamespace()).List(labels.Everything())
	if err != nil {
		return nil
	}
	var keys []worker.Key
	for _, s := range all {
		if sel, err := metav1.LabelSelectorAsSelector(s.Spec.Selector); err == nil && !sel.Empty() && sel.Matches(labels.Set(orphan.GetLabels())) {
			keys = append(keys, worker.KeyOf(s))
		}
	}
	return keys
}

func (c *Controller) podChanged(owner worker.Key, old, p *v1.Pod) {
	if podstate.IsReady(old) || !podstate.IsReady(p) {
		return
	}
	if s, err := c.sets.StatefulSets(owner.Namespace).Get(owner.Name); err == nil && s.Spec.MinReadySeconds > 0 {
		c.queue.EnqueueAfter(owner, time.Duration(s.Spec.MinReadySeconds)*time.Second+time.Second)
	}
}
