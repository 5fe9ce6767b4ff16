package ephemeralvolume

import (
	"context"
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/component-base/metrics"
	"k8s.io/component-helpers/storage/ephemeral"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client   kubernetes.Interface
	Pods     coreinformers.PodInformer
	Claims   coreinformers.PersistentVolumeClaimInformer
	Events   record.EventRecorder
	Workers  int
	Metrics  workqueue.MetricsProvider
	Counters *Counters
}

// Counters count claims made and not made.
type Counters struct{ Creates, Failures *metrics.Counter }

// NewCounters registers upstream's metrics of this controller.
func NewCounters(r metrics.KubeRegistry) (*Counters, error) {
	counter := func(name, help string) *metrics.Counter {
		return metrics.NewCounter(&metrics.CounterOpts{Subsystem: "ephemeral_volume_controller", Name: name, Help: help, StabilityLevel: metrics.ALPHA})
	}
	c := &Counters{Creates: counter("create_total", "Number of PersistentVolumeClaim creation requests"),
		Failures: counter("create_failures_total", "Number of PersistentVolumeClaim creation requests that failed")}
	return c, errors.Join(r.Register(c.Creates), r.Register(c.Failures))
}

// Controller makes claims.
type Controller struct {
	cfg    Config
	pods   corelisters.PodLister
	claims corelisters.PersistentVolumeClaimLister
	queue  *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Pods == nil || cfg.Claims == nil || cfg.Events == nil || cfg.Counters == nil {
		return nil, errors.New("ephemeral volumes: Client, Pods, Claims, Events and Counters are required")
	}
	c := &Controller{cfg: cfg, pods: cfg.Pods.Lister(), claims: cfg.Claims.Lister()}
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "ephemeral_volume", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{Add: func(p *v1.Pod) {
			if p.DeletionTimestamp != nil {
				return
			}
			for i := range p.Spec.Volumes {
				if p.Spec.Volumes[i].Ephemeral != nil {
					c.queue.Enqueue(worker.KeyOf(p))
					return
				}
			}
		}}),
		// A claim that goes may have been in the way of a pod's own, or have been it.
		worker.Watch(c.queue, cfg.Claims.Informer(), worker.Handler[*v1.PersistentVolumeClaim]{Delete: c.vacated}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) vacated(claim *v1.PersistentVolumeClaim) {
	if ref := metav1.GetControllerOfNoCopy(claim); ref != nil && ref.Kind == "Pod" {
		c.queue.Enqueue(worker.Key{Namespace: claim.Namespace, Name: ref.Name})
	}
}

// Sync makes the claims of one pod.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	pod, err := c.pods.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if pod.DeletionTimestamp != nil {
		return nil
	}
	var errs []error
	for i := range pod.Spec.Volumes {
		if v := &pod.Spec.Volumes[i]; v.Ephemeral != nil {
			if err := c.ensure(ctx, pod, v); err != nil {
				c.cfg.Events.Event(pod, v1.EventTypeWarning, "EphemeralVolumeCreateFailed", fmt.Sprintf("ephemeral volume %s: %v", v.Name, err))
				errs = append(errs, fmt.Errorf("volume %s: %w", v.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (c *Controller) ensure(ctx context.Context, pod *v1.Pod, v *v1.Volume) error {
	name := ephemeral.VolumeClaimName(pod, v)
	claim, err := c.claims.PersistentVolumeClaims(pod.Namespace).Get(name)
	switch {
	case err == nil:
		return ephemeral.VolumeIsForPod(pod, claim)
	case !apierrors.IsNotFound(err):
		return err
	}
	t := v.Ephemeral.VolumeClaimTemplate
	if t == nil {
		return errors.New("no claim template")
	}
	c.cfg.Counters.Creates.Inc()
	_, err = c.cfg.Client.CoreV1().PersistentVolumeClaims(pod.Namespace).Create(ctx, &v1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: t.Labels, Annotations: t.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(pod, v1.SchemeGroupVersion.WithKind("Pod"))}},
		Spec: t.Spec,
	}, metav1.CreateOptions{})
	if err == nil || podcontrol.IsTerminating(err) {
		return nil
	}
	c.cfg.Counters.Failures.Inc()
	return fmt.Errorf("creating claim %s: %w", name, err)
}
