package servicecidr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	networkinginformers "k8s.io/client-go/informers/networking/v1"
	"k8s.io/client-go/kubernetes"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

const (
	// Finalizer holds a range while it is in use.
	Finalizer = "networking.k8s.io/service-cidr-finalizer"
	// grace is how long after the condition turned False an API server may still allocate from the range.
	grace = 10 * time.Second
)

// Config of the controller.
type Config struct {
	Client    kubernetes.Interface
	Ranges    networkinginformers.ServiceCIDRInformer
	Addresses networkinginformers.IPAddressInformer
	Events    record.EventRecorder
	Workers   int
	Metrics   workqueue.MetricsProvider
	Clock     clock.WithTicker
}

// Controller guards service ranges.
type Controller struct {
	client    kubernetes.Interface
	ranges    networkinglisters.ServiceCIDRLister
	addresses networkinglisters.IPAddressLister
	events    record.EventRecorder
	queue     *worker.Queue[worker.Key]
	clock     clock.Clock
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Ranges == nil || cfg.Addresses == nil || cfg.Events == nil {
		return nil, errors.New("service CIDR controller: Client, Ranges, Addresses and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, ranges: cfg.Ranges.Lister(), addresses: cfg.Addresses.Lister(), events: cfg.Events, clock: cfg.Clock}
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "servicecidrs", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock}); err != nil {
		return nil, err
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Ranges.Informer(), worker.Handler[*networkingv1.ServiceCIDR]{
			Add: c.enqueueOverlapping, Update: func(_, r *networkingv1.ServiceCIDR) { c.queue.Enqueue(worker.KeyOf(r)) }, Delete: c.enqueueOverlapping}),
		worker.Watch(c.queue, cfg.Addresses.Informer(), worker.Handler[*networkingv1.IPAddress]{Delete: c.released}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// enqueueOverlapping: a new range may free an old one that covers the same addresses.
func (c *Controller) enqueueOverlapping(r *networkingv1.ServiceCIDR) {
	c.queue.Enqueue(worker.KeyOf(r))
	all, err := c.ranges.List(labels.Everything())
	if err != nil {
		return // a cache that lists everything has no errors
	}
	for _, o := range all {
		if o.Name != r.Name && overlaps(o, r) {
			c.queue.Enqueue(worker.KeyOf(o))
		}
	}
}

// released looks at the ranges being deleted that the address held.
func (c *Controller) released(a *networkingv1.IPAddress) {
	addr, err := netip.ParseAddr(a.Name)
	if err != nil {
		return
	}
	all, err := c.ranges.List(labels.Everything())
	if err != nil {
		return
	}
	for _, r := range all {
		if r.DeletionTimestamp != nil && contains(r, addr) {
			c.queue.Enqueue(worker.KeyOf(r))
		}
	}
}

// Sync brings finalizer and condition of one range in order.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	r, err := c.ranges.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	held := slices.Contains(r.Finalizers, Finalizer)
	if r.DeletionTimestamp == nil && !held {
		if r, err = c.setFinalizers(ctx, r, append(slices.Clone(r.Finalizers), Finalizer)); err != nil || r == nil {
			return err
		}
	}
	if r.DeletionTimestamp != nil && !held {
		return nil
	}
	if want := condition(r); !has(r, want) {
		if err := c.setCondition(ctx, r, want); err != nil {
			return err
		}
		if r.DeletionTimestamp != nil {
			c.queue.EnqueueAfter(key, grace)
		}
		return nil
	}
	if r.DeletionTimestamp == nil {
		return nil
	}
	return c.release(ctx, key, r)
}

func (c *Controller) release(ctx context.Context, key worker.Key, r *networkingv1.ServiceCIDR) error {
	since := meta.FindStatusCondition(r.Status.Conditions, networkingv1.ServiceCIDRConditionReady).LastTransitionTime
	if left := since.Add(grace).Sub(c.clock.Now()); left > 0 {
		c.queue.EnqueueAfter(key, left)
		return nil
	}
	all, err := c.ranges.List(labels.Everything())
	if err != nil {
		return err
	}
	addresses, err := c.addresses.List(labels.Everything())
	if err != nil {
		return err
	}
	if inUse(r, all, addresses) {
		return nil // the address that goes, or the range that comes, brings us back
	}
	_, err = c.setFinalizers(ctx, r, slices.DeleteFunc(slices.Clone(r.Finalizers), func(f string) bool { return f == Finalizer }))
	return err
}

func (c *Controller) setFinalizers(ctx context.Context, r *networkingv1.ServiceCIDR, finalizers []string) (*networkingv1.ServiceCIDR, error) {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": r.UID, "resourceVersion": r.ResourceVersion, "finalizers": finalizers}})
	if err != nil {
		return nil, err
	}
	out, err := c.client.NetworkingV1().ServiceCIDRs().Patch(ctx, r.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("changing finalizers: %w", err)
	}
	return out, nil
}

func (c *Controller) setCondition(ctx context.Context, r *networkingv1.ServiceCIDR, want metav1.Condition) error {
	r = r.DeepCopy()
	want.LastTransitionTime = metav1.NewTime(c.clock.Now())
	meta.SetStatusCondition(&r.Status.Conditions, want)
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": r.UID, "resourceVersion": r.ResourceVersion}, "status": r.Status})
	if err != nil {
		return err
	}
	if _, err := c.client.NetworkingV1().ServiceCIDRs().Patch(ctx, r.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("setting the condition: %w", err)
	}
	return nil
}
