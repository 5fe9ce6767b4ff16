package cronjob

import (
	"context"
	"errors"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/types"
	batchinformers "k8s.io/client-go/informers/batch/v1"
	"k8s.io/client-go/kubernetes"
	batchlisters "k8s.io/client-go/listers/batch/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// GVK of CronJob.
var GVK = batchv1.SchemeGroupVersion.WithKind("CronJob")

// Config of the controller.
type Config struct {
	Client   kubernetes.Interface
	CronJobs batchinformers.CronJobInformer
	Jobs     batchinformers.JobInformer
	Events   record.EventRecorder
	Workers  int
	Metrics  workqueue.MetricsProvider
	Clock    clock.WithTicker
}

// Controller starts Jobs by schedule.
type Controller struct {
	client   kubernetes.Interface
	cronJobs batchlisters.CronJobLister
	jobs     batchlisters.JobLister
	events   record.EventRecorder
	queue    *worker.Queue[worker.Key]
	clock    clock.Clock
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.CronJobs == nil || cfg.Jobs == nil || cfg.Events == nil {
		return nil, errors.New("cronjob controller: Client, CronJobs, Jobs and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, cronJobs: cfg.CronJobs.Lister(), jobs: cfg.Jobs.Lister(), events: cfg.Events, clock: cfg.Clock}
	var err error
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "cronjob", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock})
	if err != nil {
		return nil, err
	}
	owners := worker.Owners{Kind: GVK.Kind, UIDOf: func(namespace, name string) (types.UID, bool) {
		cj, err := c.cronJobs.CronJobs(namespace).Get(name)
		if err != nil {
			return "", false
		}
		return cj.UID, true
	}}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.CronJobs.Informer(), worker.Self[*batchv1.CronJob](c.queue)),
		worker.Watch(c.queue, cfg.Jobs.Informer(), worker.Owned[*batchv1.Job](c.queue, owners, nil)),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }
