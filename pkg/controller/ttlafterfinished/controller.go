package ttlafterfinished

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	batchinformers "k8s.io/client-go/informers/batch/v1"
	"k8s.io/client-go/kubernetes"
	batchlisters "k8s.io/client-go/listers/batch/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Jobs    batchinformers.JobInformer
	Workers int
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// Controller deletes Jobs after their time.
type Controller struct {
	client kubernetes.Interface
	jobs   batchlisters.JobLister
	queue  *worker.Queue[worker.Key]
	clock  clock.Clock
}

// New builds the controller and connects it to its informer.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Jobs == nil {
		return nil, errors.New("ttl after finished: Client and Jobs are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, jobs: cfg.Jobs.Lister(), clock: cfg.Clock}
	var err error
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "ttl_jobs_to_delete", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock})
	if err != nil {
		return nil, err
	}
	look := func(j *batchv1.Job) {
		if j.Spec.TTLSecondsAfterFinished != nil && j.DeletionTimestamp == nil {
			if _, ok := finishedAt(j); ok {
				c.queue.Enqueue(worker.KeyOf(j))
			}
		}
	}
	return c, worker.Watch(c.queue, cfg.Jobs.Informer(), worker.Handler[*batchv1.Job]{Add: look, Update: func(_, j *batchv1.Job) { look(j) }})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// Sync deletes one Job if its time is over, or waits for that.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	j, err := c.jobs.Jobs(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if c.wait(key, j) {
		return nil
	}
	fresh, err := c.client.BatchV1().Jobs(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the job again: %w", err)
	}
	if c.wait(key, fresh) {
		return nil
	}
	foreground := metav1.DeletePropagationForeground
	err = c.client.BatchV1().Jobs(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{
		PropagationPolicy: &foreground, Preconditions: &metav1.Preconditions{UID: &fresh.UID},
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the job: %w", err)
	}
	return nil
}

// wait tells that it is not yet, or never, time to delete the Job, and sets the timer in the former case.
func (c *Controller) wait(key worker.Key, j *batchv1.Job) bool {
	at, finished := finishedAt(j)
	if !finished || j.DeletionTimestamp != nil || j.Spec.TTLSecondsAfterFinished == nil {
		return true
	}
	left := at.Add(time.Duration(*j.Spec.TTLSecondsAfterFinished) * time.Second).Sub(c.clock.Now())
	if left > 0 {
		c.queue.EnqueueAfter(key, left)
		return true
	}
	return false
}

func finishedAt(j *batchv1.Job) (time.Time, bool) {
	for _, c := range j.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == v1.ConditionTrue {
			return c.LastTransitionTime.Time, true
		}
	}
	return time.Time{}, false
}
