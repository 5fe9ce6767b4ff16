package deployment

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	appsinformers "k8s.io/client-go/informers/apps/v1"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// GVK of Deployment.
var GVK = appsv1.SchemeGroupVersion.WithKind("Deployment")

// Config of the controller.
type Config struct {
	Client      kubernetes.Interface
	Deployments appsinformers.DeploymentInformer
	ReplicaSets appsinformers.ReplicaSetInformer
	Events      record.EventRecorder
	Workers     int
	Metrics     workqueue.MetricsProvider
	Clock       clock.WithTicker
}

// Controller rolls deployments out.
type Controller struct {
	client      kubernetes.Interface
	deployments appslisters.DeploymentLister
	replicaSets appslisters.ReplicaSetLister
	events      record.EventRecorder
	queue       *worker.Queue[worker.Key]
	clock       clock.Clock
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Deployments == nil || cfg.ReplicaSets == nil || cfg.Events == nil {
		return nil, errors.New("deployment controller: Client, Deployments, ReplicaSets and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, deployments: cfg.Deployments.Lister(), replicaSets: cfg.ReplicaSets.Lister(), events: cfg.Events, clock: cfg.Clock}
	var err error
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "deployment", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock})
	if err != nil {
		return nil, err
	}
	if err := worker.Watch(c.queue, cfg.Deployments.Informer(), worker.Self[*appsv1.Deployment](c.queue)); err != nil {
		return nil, err
	}
	owners := worker.Owners{Kind: GVK.Kind, UIDOf: c.uidOf, Adopters: c.adopters}
	return c, worker.Watch(c.queue, cfg.ReplicaSets.Informer(), worker.Owned[*appsv1.ReplicaSet](c.queue, owners, nil))
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) uidOf(namespace, name string) (types.UID, bool) {
	d, err := c.deployments.Deployments(namespace).Get(name)
	if err != nil {
		return "", false
	}
	return d.UID, true
}

func (c *Controller) adopters(orphan metav1.Object) []worker.Key {
	all, err := c.deployments.Deployments(orphan.GetNamespace()).List(labels.Everything())
	if err != nil {
		return nil
	}
	var keys []worker.Key
	for _, d := range all {
		if s, err := metav1.LabelSelectorAsSelector(d.Spec.Selector); err == nil && !s.Empty() && s.Matches(labels.Set(orphan.GetLabels())) {
			keys = append(keys, worker.KeyOf(d))
		}
	}
	return keys
}
