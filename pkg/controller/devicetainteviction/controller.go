package devicetainteviction

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	resourceinformers "k8s.io/client-go/informers/resource/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	resourcelisters "k8s.io/client-go/listers/resource/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Pods    coreinformers.PodInformer
	Claims  resourceinformers.ResourceClaimInformer
	Slices  resourceinformers.ResourceSliceInformer
	Events  record.EventRecorder
	Workers int
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// Controller evicts users of tainted devices.
type Controller struct {
	cfg    Config
	pods   corelisters.PodLister
	claims resourcelisters.ResourceClaimLister
	slices resourcelisters.ResourceSliceLister
	queue  *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Pods == nil || cfg.Claims == nil || cfg.Slices == nil || cfg.Events == nil {
		return nil, errors.New("device taint eviction: Client, informers and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{cfg: cfg, pods: cfg.Pods.Lister(), claims: cfg.Claims.Lister(), slices: cfg.Slices.Lister()}
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "device_taint_eviction", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock}); err != nil {
		return nil, err
	}
	c.queue.WaitFor(cfg.Pods.Informer().HasSynced)
	claim := func(r *resourcev1.ResourceClaim) {
		if r.Status.Allocation != nil && len(r.Status.ReservedFor) > 0 {
			c.queue.Enqueue(worker.KeyOf(r))
		}
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Claims.Informer(), worker.Handler[*resourcev1.ResourceClaim]{Add: claim, Update: func(_, r *resourcev1.ResourceClaim) { claim(r) }}),
		worker.Watch(c.queue, cfg.Slices.Informer(), worker.Handler[*resourcev1.ResourceSlice]{Add: c.sliceChanged, Delete: c.sliceChanged,
			Update: func(old, s *resourcev1.ResourceSlice) {
				if !equality.Semantic.DeepEqual(old.Spec, s.Spec) {
					c.sliceChanged(s)
				}
			}}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// sliceChanged looks at the claims with devices of the pool.
func (c *Controller) sliceChanged(s *resourcev1.ResourceSlice) {
	all, err := c.claims.List(labels.Everything())
	if err != nil {
		return // reading a cache has no errors
	}
	for _, r := range all {
		if r.Status.Allocation == nil {
			continue
		}
		for _, result := range r.Status.Allocation.Devices.Results {
			if result.Driver == s.Spec.Driver && result.Pool == s.Spec.Pool.Name {
				c.queue.Enqueue(worker.KeyOf(r))
				break
			}
		}
	}
}

// Sync evicts the users of one claim when it is time, or waits for that.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	r, err := c.claims.ResourceClaims(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	all, err := c.slices.List(labels.Everything())
	if err != nil {
		return err
	}
	now := c.cfg.Clock.Now()
	at, ends := deadline(r, taintsOf(all), now)
	if !ends {
		return nil
	}
	if left := at.Sub(now); left > 0 {
		c.queue.EnqueueAfter(key, left)
		return nil
	}
	var errs []error
	for _, ref := range r.Status.ReservedFor {
		if ref.APIGroup != "" || ref.Resource != "pods" {
			continue
		}
		p, err := c.pods.Pods(r.Namespace).Get(ref.Name)
		if apierrors.IsNotFound(err) {
			p, err = c.cfg.Client.CoreV1().Pods(r.Namespace).Get(ctx, ref.Name, metav1.GetOptions{}) // perhaps newer than the cache
		}
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reading pod %s: %w", ref.Name, err))
			continue
		}
		if p.UID == ref.UID && podstate.IsActive(p) {
			errs = append(errs, c.evict(ctx, p))
		}
	}
	return errors.Join(errs...)
}

func (c *Controller) evict(ctx context.Context, p *v1.Pod) error {
	c.cfg.Events.Eventf(p, v1.EventTypeNormal, "DeviceTaintManagerEviction", "Marking for deletion")
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.UID}, "status": map[string]any{"conditions": []v1.PodCondition{{
		Type: v1.DisruptionTarget, Status: v1.ConditionTrue, Reason: "DeletionByDeviceTaintManager", ObservedGeneration: p.Generation,
		Message: "Device Taint manager: deleting due to NoExecute taint", LastTransitionTime: metav1.NewTime(c.cfg.Clock.Now())}}}})
	if err != nil {
		return err
	}
	if _, err := c.cfg.Client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("marking pod %s as disrupted: %w", p.Name, err)
	}
	err = c.cfg.Client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &p.UID}})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("deleting pod %s: %w", p.Name, err)
	}
	return nil
}
