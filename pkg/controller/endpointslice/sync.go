package endpointslice

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

var logger = klog.LoggerWithName(klog.Background(), "endpoint_slice")

// Sync brings the slices of one service in step with its pods.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	service, err := c.services.Services(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		// The slices go by garbage collection.
		c.tracker.DeleteService(key.Namespace, key.Name)
		c.reconciler.DeleteService(key.Namespace, key.Name)
		c.triggers.forget(key)
		return nil
	}
	if err != nil {
		return err
	}
	if service.Spec.Type == v1.ServiceTypeExternalName || service.Spec.Selector == nil {
		return nil // no addresses, or somebody else provides them
	}
	pods, err := c.pods.Pods(key.Namespace).List(labels.Set(service.Spec.Selector).AsSelectorPreValidated())
	if err != nil {
		return err
	}
	mine := labels.Set{discoveryv1.LabelServiceName: key.Name, discoveryv1.LabelManagedBy: ManagedBy}
	existing, err := c.slices.EndpointSlices(key.Namespace).List(mine.AsSelectorPreValidated())
	if err != nil {
		return err
	}
	existing = slices.DeleteFunc(existing, func(s *discoveryv1.EndpointSlice) bool { return s.DeletionTimestamp != nil })
	if c.tracker.StaleSlices(service, existing) {
		return fmt.Errorf("own slices: %w", worker.ErrNotYet)
	}
	err = c.reconciler.Reconcile(klog.FromContext(ctx), service, pods, existing, c.triggers.since(key, service, pods))
	if podcontrol.IsTerminating(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing slices: %w", err)
	}
	return nil
}

func keyFromString(s string) (worker.Key, error) {
	namespace, name, ok := strings.Cut(s, "/")
	if !ok {
		return worker.Key{}, fmt.Errorf("%q is no namespace/name", s)
	}
	return worker.Key{Namespace: namespace, Name: name}, nil
}

// zoneShapeChanged tells whether the node counts differently for topology: readiness, zone, CPUs.
func zoneShapeChanged(old, n *v1.Node) bool {
	return ready(old) != ready(n) || old.Labels[v1.LabelTopologyZone] != n.Labels[v1.LabelTopologyZone] ||
		!old.Status.Allocatable.Cpu().Equal(*n.Status.Allocatable.Cpu())
}

func ready(n *v1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == v1.NodeReady {
			return c.Status == v1.ConditionTrue
		}
	}
	return false
}
