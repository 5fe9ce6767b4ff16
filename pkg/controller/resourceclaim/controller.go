package resourceclaim

import (
	"context"
	"errors"

	v1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	coreinformers "k8s.io/client-go/informers/core/v1"
	resourceinformers "k8s.io/client-go/informers/resource/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	resourcelisters "k8s.io/client-go/listers/resource/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/component-base/metrics"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client    kubernetes.Interface
	Pods      coreinformers.PodInformer
	Claims    resourceinformers.ResourceClaimInformer
	Templates resourceinformers.ResourceClaimTemplateInformer
	Events    record.EventRecorder
	Creates   *metrics.CounterVec // see NewCounter
	Workers   int
	Metrics   workqueue.MetricsProvider
	Clock     clock.WithTicker
}

// NewCounter registers upstream's counter of claims made.
func NewCounter(r metrics.KubeRegistry) (*metrics.CounterVec, error) {
	c := metrics.NewCounterVec(&metrics.CounterOpts{Subsystem: "resourceclaim_controller", Name: "creates_total",
		Help: "Number of ResourceClaims creation requests, categorized by creation status and admin access", StabilityLevel: metrics.ALPHA}, []string{"status", "admin_access"})
	return c, r.Register(c)
}

// key is a pod or a claim.
type key struct {
	claim bool
	worker.Key
}

// Controller makes and frees claims.
type Controller struct {
	cfg       Config
	pods      corelisters.PodLister
	claims    resourcelisters.ResourceClaimLister
	templates resourcelisters.ResourceClaimTemplateLister
	made      *podcontrol.Expectations[worker.Key]
	queue     *worker.Queue[key]
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Pods == nil || cfg.Claims == nil || cfg.Templates == nil || cfg.Events == nil || cfg.Creates == nil {
		return nil, errors.New("resource claims: Client, informers, Events and Creates are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{cfg: cfg, pods: cfg.Pods.Lister(), claims: cfg.Claims.Lister(), templates: cfg.Templates.Lister(),
		made: podcontrol.NewExpectations[worker.Key](cfg.Claims.Informer().GetStore(), cfg.Clock)}
	var err error
	if c.queue, err = worker.New(worker.Config[key]{Name: "resource_claim", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock}); err != nil {
		return nil, err
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{Add: c.podChanged, Update: func(_, p *v1.Pod) { c.podChanged(p) }, Delete: c.podChanged}),
		worker.Watch(c.queue, cfg.Claims.Informer(), worker.Handler[*resourcev1.ResourceClaim]{Add: c.claimChanged,
			Update: func(_, r *resourcev1.ResourceClaim) { c.claimChanged(r) }, Delete: c.claimChanged}),
		worker.Watch(c.queue, cfg.Templates.Informer(), worker.Handler[*resourcev1.ResourceClaimTemplate]{Add: c.templateAdded}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// Sync works on one pod or claim.
func (c *Controller) Sync(ctx context.Context, k key) error {
	if k.claim {
		return c.syncClaim(ctx, k.Key)
	}
	return c.syncPod(ctx, k.Key)
}

func (c *Controller) podChanged(p *v1.Pod) {
	if len(p.Spec.ResourceClaims) == 0 && p.Status.ExtendedResourceClaimStatus == nil {
		return
	}
	c.queue.Enqueue(key{Key: worker.KeyOf(p)})
	if gone, err := c.pods.Pods(p.Namespace).Get(p.Name); err == nil && gone.UID == p.UID && !done(p) {
		return
	}
	// It no longer uses its claims.
	for _, name := range claimNames(p) {
		c.queue.Enqueue(key{true, worker.Key{Namespace: p.Namespace, Name: name}})
	}
}

// done tells whether the pod will not run (any more).
func done(p *v1.Pod) bool {
	return podstate.IsTerminal(p) || p.DeletionTimestamp != nil && p.Spec.NodeName == ""
}

func claimNames(p *v1.Pod) []string {
	var names []string
	for _, r := range p.Spec.ResourceClaims {
		if r.ResourceClaimName != nil {
			names = append(names, *r.ResourceClaimName)
		}
	}
	for _, s := range p.Status.ResourceClaimStatuses {
		if s.ResourceClaimName != nil {
			names = append(names, *s.ResourceClaimName)
		}
	}
	if e := p.Status.ExtendedResourceClaimStatus; e != nil {
		names = append(names, e.ResourceClaimName)
	}
	return names
}

func (c *Controller) claimChanged(r *resourcev1.ResourceClaim) {
	c.queue.Enqueue(key{true, worker.KeyOf(r)})
	if ref := metav1.GetControllerOfNoCopy(r); ref != nil && ref.Kind == "Pod" {
		c.queue.Enqueue(key{Key: worker.Key{Namespace: r.Namespace, Name: ref.Name}})
		return
	}
	c.enqueuePods(r.Namespace, func(p v1.PodResourceClaim) bool { return p.ResourceClaimName != nil && *p.ResourceClaimName == r.Name })
}

func (c *Controller) templateAdded(t *resourcev1.ResourceClaimTemplate) {
	c.enqueuePods(t.Namespace, func(p v1.PodResourceClaim) bool {
		return p.ResourceClaimTemplateName != nil && *p.ResourceClaimTemplateName == t.Name
	})
}

func (c *Controller) enqueuePods(namespace string, concerned func(v1.PodResourceClaim) bool) {
	all, err := c.pods.Pods(namespace).List(labels.Everything())
	if err != nil {
		return // reading a cache has no errors
	}
	for _, p := range all {
		for _, r := range p.Spec.ResourceClaims {
			if concerned(r) {
				c.queue.Enqueue(key{Key: worker.KeyOf(p)})
				break
			}
		}
	}
}
