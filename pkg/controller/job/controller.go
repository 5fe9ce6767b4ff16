package job

import (
	"context"
	"errors"
	"sync"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	batchinformers "k8s.io/client-go/informers/batch/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	batchlisters "k8s.io/client-go/listers/batch/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// GVK of Job.
var GVK = batchv1.SchemeGroupVersion.WithKind("Job")

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Jobs    batchinformers.JobInformer
	Pods    coreinformers.PodInformer
	Events  record.EventRecorder
	Workers int
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// Controller runs jobs.
type Controller struct {
	client  kubernetes.Interface
	jobs    batchlisters.JobLister
	pods    podcontrol.Pods
	control podcontrol.Control
	expect  *podcontrol.Expectations[worker.Key]
	events  record.EventRecorder
	queue   *worker.Queue[worker.Key]
	clock   clock.Clock

	mu   sync.Mutex
	gone map[worker.Key]map[types.UID]bool // see noteGone
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Jobs == nil || cfg.Pods == nil || cfg.Events == nil {
		return nil, errors.New("job controller: Client, Jobs, Pods and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, jobs: cfg.Jobs.Lister(), events: cfg.Events, clock: cfg.Clock,
		control: podcontrol.Control{Client: cfg.Client, Events: cfg.Events}, gone: map[worker.Key]map[types.UID]bool{}}
	var err error
	if c.pods, err = podcontrol.Index(cfg.Pods.Informer()); err != nil {
		return nil, err
	}
	c.expect = podcontrol.NewExpectations[worker.Key](c.pods.Store(), cfg.Clock)
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "job", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock}); err != nil {
		return nil, err
	}
	owners := worker.Owners{Kind: GVK.Kind, UIDOf: c.uidOf, Adopters: c.adopters}
	owned := worker.Owned[*v1.Pod](c.queue, owners, nil)
	owned.Add, owned.Update = alsoOrphans(c, owned)
	own := worker.Self[*batchv1.Job](c.queue)
	own.Delete = func(j *batchv1.Job) {
		c.noteGone(worker.KeyOf(j), j.UID)
		c.queue.Enqueue(worker.KeyOf(j))
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Jobs.Informer(), own),
		worker.Watch(c.queue, cfg.Pods.Informer(), owned),
	)
}

// alsoOrphans queues the name of a job that no longer exists for pods that still carry its finalizer: nobody else removes it.
func alsoOrphans(c *Controller, h worker.Handler[*v1.Pod]) (add func(*v1.Pod), update func(_, _ *v1.Pod)) {
	look := func(p *v1.Pod) {
		ref := metav1.GetControllerOfNoCopy(p)
		if !tracked(p) || ref == nil || ref.Kind != GVK.Kind {
			return
		}
		if uid, ok := c.uidOf(p.Namespace, ref.Name); !ok || uid != ref.UID {
			key := worker.Key{Namespace: p.Namespace, Name: ref.Name}
			c.noteGone(key, ref.UID)
			c.queue.Enqueue(key)
		}
	}
	return func(p *v1.Pod) { h.Add(p); look(p) }, func(old, p *v1.Pod) { h.Update(old, p); look(p) }
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) uidOf(namespace, name string) (types.UID, bool) {
	j, err := c.jobs.Jobs(namespace).Get(name)
	if err != nil {
		return "", false
	}
	return j.UID, true
}

func (c *Controller) adopters(orphan metav1.Object) []worker.Key {
	all, err := c.jobs.Jobs(orphan.GetNamespace()).List(labels.Everything())
	if err != nil {
		return nil
	}
	var keys []worker.Key
	for _, j := range all {
		if s, err := metav1.LabelSelectorAsSelector(j.Spec.Selector); err == nil && !s.Empty() && s.Matches(labels.Set(orphan.GetLabels())) {
			keys = append(keys, worker.KeyOf(j))
		}
	}
	return keys
}
