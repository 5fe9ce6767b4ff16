package disruption

import (
	"context"
	"errors"
	"time"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	appsinformers "k8s.io/client-go/informers/apps/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	policyinformers "k8s.io/client-go/informers/policy/v1"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	policylisters "k8s.io/client-go/listers/policy/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client       kubernetes.Interface
	Budgets      policyinformers.PodDisruptionBudgetInformer
	Pods         coreinformers.PodInformer
	Controllers  coreinformers.ReplicationControllerInformer
	ReplicaSets  appsinformers.ReplicaSetInformer
	Deployments  appsinformers.DeploymentInformer
	StatefulSets appsinformers.StatefulSetInformer
	// Scale returns the wanted number of replicas of an owner of another kind, from its scale subresource; false when it has
	// none.
	Scale   func(ctx context.Context, namespace string, ref metav1.OwnerReference) (int32, bool, error)
	Events  record.EventRecorder
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// Controller keeps budgets up to date.
type Controller struct {
	client       kubernetes.Interface
	budgets      policylisters.PodDisruptionBudgetLister
	pods         corelisters.PodLister
	controllers  corelisters.ReplicationControllerLister
	replicaSets  appslisters.ReplicaSetLister
	deployments  appslisters.DeploymentLister
	statefulSets appslisters.StatefulSetLister
	scale        func(context.Context, string, metav1.OwnerReference) (int32, bool, error)
	events       record.EventRecorder
	queue        *worker.Queue[worker.Key]
	stale        *worker.Queue[worker.Key]
	clock        clock.Clock
}

// staleAfter is when a pod that was announced to be disrupted, and was not deleted, is taken for undisturbed again.
const staleAfter = 2 * time.Minute

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Budgets == nil || cfg.Pods == nil || cfg.Controllers == nil || cfg.ReplicaSets == nil ||
		cfg.Deployments == nil || cfg.StatefulSets == nil || cfg.Scale == nil || cfg.Events == nil {
		return nil, errors.New("disruption controller: every field but Metrics and Clock is required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, budgets: cfg.Budgets.Lister(), pods: cfg.Pods.Lister(), controllers: cfg.Controllers.Lister(),
		replicaSets: cfg.ReplicaSets.Lister(), deployments: cfg.Deployments.Lister(), statefulSets: cfg.StatefulSets.Lister(),
		scale: cfg.Scale, events: cfg.Events, clock: cfg.Clock}
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "disruption", Workers: 1, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock}); err != nil {
		return nil, err
	}
	if c.stale, err = worker.New(worker.Config[worker.Key]{Name: "stale_pod_disruption", Workers: 1, Sync: c.SyncStale, Metrics: cfg.Metrics, Clock: cfg.Clock}); err != nil {
		return nil, err
	}
	for _, i := range []interface{ HasSynced() bool }{cfg.Controllers.Informer(), cfg.ReplicaSets.Informer(), cfg.Deployments.Informer(), cfg.StatefulSets.Informer()} {
		c.queue.WaitFor(i.HasSynced)
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Budgets.Informer(), worker.Self[*policyv1.PodDisruptionBudget](c.queue)),
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{
			Add: c.podChanged, Update: func(_, p *v1.Pod) { c.podChanged(p) }, Delete: c.podChanged,
		}))
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- c.stale.Run(ctx) }()
	err := c.queue.Run(ctx)
	return errors.Join(err, <-done)
}

func (c *Controller) podChanged(p *v1.Pod) {
	if since, ok := announced(p); ok {
		c.stale.EnqueueAfter(worker.KeyOf(p), max(0, staleAfter-c.clock.Since(since)))
	}
	all, err := c.budgets.PodDisruptionBudgets(p.Namespace).List(labels.Everything())
	if err != nil {
		return
	}
	for _, b := range all {
		if s, err := metav1.LabelSelectorAsSelector(b.Spec.Selector); err == nil && s.Matches(labels.Set(p.Labels)) {
			c.queue.Enqueue(worker.KeyOf(b))
		}
	}
}
