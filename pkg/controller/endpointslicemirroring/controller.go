package endpointslicemirroring

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	coreinformers "k8s.io/client-go/informers/core/v1"
	discoveryinformers "k8s.io/client-go/informers/discovery/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// ManagedBy is the value of the managed-by label on the slices of this controller.
const ManagedBy = "endpointslicemirroring-controller.k8s.io"

// Config of the controller.
type Config struct {
	Client         kubernetes.Interface
	Services       coreinformers.ServiceInformer
	Endpoints      coreinformers.EndpointsInformer
	EndpointSlices discoveryinformers.EndpointSliceInformer
	// MaxEndpoints of one subset that are mirrored; 1000 by default.
	MaxEndpoints int32
	BatchPeriod  time.Duration
	Workers      int
	Metrics      workqueue.MetricsProvider
}

// Controller mirrors Endpoints.
type Controller struct {
	client    kubernetes.Interface
	services  corelisters.ServiceLister
	endpoints corelisters.EndpointsLister
	slices    discoverylisters.EndpointSliceLister
	limit     int
	queue     *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Services == nil || cfg.Endpoints == nil || cfg.EndpointSlices == nil {
		return nil, errors.New("endpointslice mirroring: Client, Services, Endpoints and EndpointSlices are required")
	}
	if cfg.MaxEndpoints == 0 {
		cfg.MaxEndpoints = 1000
	}
	c := &Controller{client: cfg.Client, services: cfg.Services.Lister(), endpoints: cfg.Endpoints.Lister(), slices: cfg.EndpointSlices.Lister(), limit: int(cfg.MaxEndpoints)}
	var err error
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "endpoint_slice_mirroring", Workers: cfg.Workers, Sync: c.Sync, Metrics: cfg.Metrics, MaxBackoff: time.Minute})
	if err != nil {
		return nil, err
	}
	endpoints := func(e *v1.Endpoints) { c.queue.EnqueueAfter(worker.KeyOf(e), cfg.BatchPeriod) }
	slice := func(s *discoveryv1.EndpointSlice) {
		if s.Labels[discoveryv1.LabelManagedBy] == ManagedBy {
			c.queue.Enqueue(worker.Key{Namespace: s.Namespace, Name: s.Labels[discoveryv1.LabelServiceName]})
		}
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Services.Informer(), worker.Self[*v1.Service](c.queue)),
		worker.Watch(c.queue, cfg.Endpoints.Informer(), worker.Handler[*v1.Endpoints]{Add: endpoints, Update: func(_, e *v1.Endpoints) { endpoints(e) }, Delete: endpoints}),
		worker.Watch(c.queue, cfg.EndpointSlices.Informer(), worker.Handler[*discoveryv1.EndpointSlice]{
			Add: slice, Update: func(old, s *discoveryv1.EndpointSlice) { slice(old); slice(s) }, Delete: slice}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// Sync brings the slices of one Endpoints object in step with it.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	mine := labels.Set{discoveryv1.LabelServiceName: key.Name, discoveryv1.LabelManagedBy: ManagedBy}
	have, err := c.slices.EndpointSlices(key.Namespace).List(mine.AsSelectorPreValidated())
	if err != nil {
		return err
	}
	want, err := c.want(key)
	if err != nil {
		return err
	}
	var errs []error
	used := map[string]bool{}
	for _, w := range want {
		errs = append(errs, c.put(ctx, w, have, used))
	}
	for _, s := range have {
		if used[s.Name] || s.DeletionTimestamp != nil {
			continue
		}
		if err := c.client.DiscoveryV1().EndpointSlices(s.Namespace).Delete(ctx, s.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("deleting slice %s: %w", s.Name, err))
		}
	}
	return errors.Join(errs...)
}

// put updates a slice of the same address family and ports, or creates one under a name that follows from both, so that a
// cache that is behind does not lead to a second one.
func (c *Controller) put(ctx context.Context, want *discoveryv1.EndpointSlice, have []*discoveryv1.EndpointSlice, used map[string]bool) error {
	api := c.client.DiscoveryV1().EndpointSlices(want.Namespace)
	for _, s := range have {
		if used[s.Name] || s.DeletionTimestamp != nil || s.AddressType != want.AddressType || s.Name != want.Name && !equality.Semantic.DeepEqual(s.Ports, want.Ports) {
			continue
		}
		used[s.Name] = true
		if equality.Semantic.DeepEqual(s.Endpoints, want.Endpoints) && equality.Semantic.DeepEqual(s.Ports, want.Ports) &&
			equality.Semantic.DeepEqual(s.Labels, want.Labels) && equality.Semantic.DeepEqual(s.Annotations, want.Annotations) {
			return nil
		}
		updated := *s
		updated.Endpoints, updated.Ports, updated.Labels, updated.Annotations, updated.OwnerReferences = want.Endpoints, want.Ports, want.Labels, want.Annotations, want.OwnerReferences
		if _, err := api.Update(ctx, &updated, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("updating slice %s: %w", s.Name, err)
		}
		return nil
	}
	_, err := api.Create(ctx, want, metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		return fmt.Errorf("creating slice %s: %w", want.Name, worker.ErrNotYet)
	case err != nil && !podcontrol.IsTerminating(err):
		return fmt.Errorf("creating slice %s: %w", want.Name, err)
	}
	return nil
}
