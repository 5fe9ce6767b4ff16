package resourcequota

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiquota "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/discovery"
	coreinformers "k8s.io/client-go/informers/core/v1"
	resourceinformers "k8s.io/client-go/informers/resource/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client    kubernetes.Interface
	Metadata  metadata.Interface
	Discovery discovery.DiscoveryInterface
	Quotas    coreinformers.ResourceQuotaInformer
	Pods      coreinformers.PodInformer
	Services  coreinformers.ServiceInformer
	Claims    coreinformers.PersistentVolumeClaimInformer
	Devices   resourceinformers.ResourceClaimInformer
	// Evaluators measure pods, services and both kinds of claims from these informers: those of package quota. What they do not
	// know is counted.
	Evaluators []apiquota.Evaluator
	// EvaluatorsReady tells whether what the evaluators read beside the informers has been read. Optional.
	EvaluatorsReady cache.InformerSynced
	// ResyncPeriod measures every quota again, against what no event tells (a pod's grace that ran out).
	ResyncPeriod time.Duration
	Workers      int
	Metrics      workqueue.MetricsProvider
	Clock        clock.WithTicker
}

// Controller measures quotas.
type Controller struct {
	cfg        Config
	quotas     corelisters.ResourceQuotaLister
	evaluators apiquota.Registry
	counter    *counter
	queue      *worker.Queue[worker.Key]
	life       context.Context
}

// measured are the resources that the evaluators measure.
var measured = []schema.GroupResource{{Resource: "pods"}, {Resource: "services"}, {Resource: "persistentvolumeclaims"}, {Group: "resource.k8s.io", Resource: "resourceclaims"}}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Metadata == nil || cfg.Discovery == nil || cfg.Quotas == nil || cfg.Pods == nil || cfg.Services == nil || cfg.Claims == nil || cfg.Devices == nil {
		return nil, errors.New("resource quota controller: clients and informers are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{cfg: cfg, quotas: cfg.Quotas.Lister(), evaluators: generic.NewRegistry(nil)}
	for _, e := range cfg.Evaluators {
		if slices.Contains(measured, e.GroupResource()) {
			c.evaluators.Add(e)
		}
	}
	c.counter = &counter{metadata: cfg.Metadata, discovery: cfg.Discovery, changed: c.enqueueNamespace, watched: map[schema.GroupResource]cache.SharedIndexInformer{}}
	var err error
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "resourcequota_primary", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock, MaxBackoff: time.Minute})
	if err != nil {
		return nil, err
	}
	if cfg.EvaluatorsReady != nil {
		c.queue.WaitFor(cfg.EvaluatorsReady)
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Devices.Informer(), worker.Handler[*resourcev1.ResourceClaim]{
			Add:    func(r *resourcev1.ResourceClaim) { c.enqueueNamespace(r.Namespace) },
			Delete: func(r *resourcev1.ResourceClaim) { c.enqueueNamespace(r.Namespace) },
		}),
		worker.Watch(c.queue, cfg.Quotas.Informer(), worker.Handler[*v1.ResourceQuota]{
			Add: func(q *v1.ResourceQuota) { c.queue.Enqueue(worker.KeyOf(q)) },
			Update: func(old, q *v1.ResourceQuota) {
				if !equality.Semantic.DeepEqual(old.Spec, q.Spec) || !equality.Semantic.DeepEqual(q.Spec.Hard, q.Status.Hard) {
					c.queue.Enqueue(worker.KeyOf(q))
				}
			},
		}),
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{
			Add: func(p *v1.Pod) { c.enqueueNamespace(p.Namespace) },
			Update: func(old, p *v1.Pod) {
				if podstate.IsTerminal(old) != podstate.IsTerminal(p) || (old.DeletionTimestamp == nil) != (p.DeletionTimestamp == nil) || old.Generation != p.Generation {
					c.enqueueNamespace(p.Namespace)
				}
			},
			Delete: func(p *v1.Pod) { c.enqueueNamespace(p.Namespace) },
		}),
		worker.Watch(c.queue, cfg.Services.Informer(), worker.Handler[*v1.Service]{
			Add:    func(s *v1.Service) { c.enqueueNamespace(s.Namespace) },
			Update: func(_, s *v1.Service) { c.enqueueNamespace(s.Namespace) },
			Delete: func(s *v1.Service) { c.enqueueNamespace(s.Namespace) },
		}),
		worker.Watch(c.queue, cfg.Claims.Informer(), worker.Handler[*v1.PersistentVolumeClaim]{
			Add:    func(p *v1.PersistentVolumeClaim) { c.enqueueNamespace(p.Namespace) },
			Update: func(_, p *v1.PersistentVolumeClaim) { c.enqueueNamespace(p.Namespace) },
			Delete: func(p *v1.PersistentVolumeClaim) { c.enqueueNamespace(p.Namespace) },
		}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error {
	c.life = ctx
	defer c.counter.running.Wait()
	return c.queue.Run(ctx)
}

func (c *Controller) enqueueNamespace(namespace string) {
	all, err := c.quotas.ResourceQuotas(namespace).List(labels.Everything())
	if err != nil {
		return
	}
	for _, q := range all {
		c.queue.Enqueue(worker.KeyOf(q))
	}
}

// Sync measures one quota.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	q, err := c.quotas.ResourceQuotas(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if c.cfg.ResyncPeriod > 0 {
		c.queue.EnqueueAfter(key, c.cfg.ResyncPeriod)
	}
	used, measureErr := c.measure(ctx, q)
	if equality.Semantic.DeepEqual(q.Spec.Hard, q.Status.Hard) && equality.Semantic.DeepEqual(used, q.Status.Used) {
		return measureErr
	}
	updated := *q
	updated.Status = v1.ResourceQuotaStatus{Hard: q.Spec.Hard, Used: used}
	_, err = c.cfg.Client.CoreV1().ResourceQuotas(key.Namespace).UpdateStatus(ctx, &updated, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return errors.Join(measureErr, fmt.Errorf("writing the status: %w", err))
	}
	return measureErr
}

// measure returns the usage of every resource the quota limits. What cannot be measured keeps its former value, and what nobody
// knows has none.
func (c *Controller) measure(ctx context.Context, q *v1.ResourceQuota) (v1.ResourceList, error) {
	used, err := apiquota.CalculateUsage(q.Namespace, q.Spec.Scopes, q.Spec.Hard, c.evaluators, q.Spec.ScopeSelector)
	if used == nil {
		used = v1.ResourceList{}
	}
	errs := []error{err}
	for name := range q.Spec.Hard {
		if _, ok := used[name]; ok {
			continue
		}
		n, known, err := c.count(ctx, q, name)
		if err != nil {
			errs = append(errs, err)
		}
		switch before, had := q.Status.Used[name]; {
		case err == nil && known:
			used[name] = *resource.NewQuantity(int64(n), resource.DecimalSI)
		case had:
			used[name] = before
		}
	}
	return used, errors.Join(errs...)
}

func (c *Controller) count(ctx context.Context, q *v1.ResourceQuota, name v1.ResourceName) (int, bool, error) {
	gr, ok := counted(name)
	if !ok {
		return 0, false, nil
	}
	if len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
		return 0, true, nil // what is only counted is in no scope
	}
	n, err := c.counter.count(ctx, gr, q.Namespace, c.life)
	return n, true, err
}
