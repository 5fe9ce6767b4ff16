package horizontalpodautoscaler

import (
	"context"
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	resourcemetrics "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/custom_metrics"
	"k8s.io/metrics/pkg/client/external_metrics"
)

// Metrics reads what is measured; values in thousandths.
type Metrics interface {
	// Resource returns the use of a resource by pod, of one container when it is named.
	Resource(ctx context.Context, name v1.ResourceName, namespace string, selector labels.Selector, container string) (map[string]Sample, error)
	// Pods returns a custom metric by pod.
	Pods(name, namespace string, selector, of labels.Selector) (map[string]Sample, error)
	// Object returns a custom metric of one object.
	Object(name, namespace string, ref autoscalingv2.CrossVersionObjectReference, of labels.Selector) (int64, error)
	// External returns the sum of an external metric.
	External(name, namespace string, of labels.Selector) (int64, error)
}

// Clients are the metrics APIs of the cluster.
type Clients struct {
	Resources resourcemetrics.PodMetricsesGetter
	Custom    custom_metrics.CustomMetricsClient
	Outside   external_metrics.ExternalMetricsClient
}

var _ Metrics = Clients{}

// Resource implements Metrics.
func (c Clients) Resource(ctx context.Context, name v1.ResourceName, namespace string, selector labels.Selector, container string) (map[string]Sample, error) {
	l, err := c.Resources.PodMetricses(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, fmt.Errorf("unable to fetch metrics from resource metrics API: %w", err)
	}
	if len(l.Items) == 0 {
		return nil, errors.New("no metrics returned from resource metrics API")
	}
	out := map[string]Sample{}
next:
	for _, m := range l.Items {
		s, found := Sample{At: m.Timestamp.Time, Window: m.Window.Duration}, false
		for _, k := range m.Containers {
			if container != "" && k.Name != container {
				continue
			}
			q, ok := k.Usage[name]
			if !ok {
				continue next // part of a pod is not the pod
			}
			s.Value += q.MilliValue()
			found = true
		}
		if found {
			out[m.Name] = s
		}
	}
	return out, nil
}

// Pods implements Metrics.
func (c Clients) Pods(name, namespace string, selector, of labels.Selector) (map[string]Sample, error) {
	l, err := c.Custom.NamespacedMetrics(namespace).GetForObjects(schema.GroupKind{Kind: "Pod"}, selector, name, of)
	if err != nil {
		return nil, fmt.Errorf("unable to fetch metrics from custom metrics API: %w", err)
	}
	if len(l.Items) == 0 {
		return nil, errors.New("no metrics returned from custom metrics API")
	}
	out := map[string]Sample{}
	for _, m := range l.Items {
		out[m.DescribedObject.Name] = Sample{Value: m.Value.MilliValue(), At: m.Timestamp.Time}
	}
	return out, nil
}

// Object implements Metrics.
func (c Clients) Object(name, namespace string, ref autoscalingv2.CrossVersionObjectReference, of labels.Selector) (int64, error) {
	gk := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).GroupKind()
	if gk.Kind == "Namespace" && gk.Group == "" {
		m, err := c.Custom.RootScopedMetrics().GetForObject(gk, namespace, name, of)
		if err != nil {
			return 0, fmt.Errorf("unable to fetch metrics from custom metrics API: %w", err)
		}
		return m.Value.MilliValue(), nil
	}
	m, err := c.Custom.NamespacedMetrics(namespace).GetForObject(gk, ref.Name, name, of)
	if err != nil {
		return 0, fmt.Errorf("unable to fetch metrics from custom metrics API: %w", err)
	}
	return m.Value.MilliValue(), nil
}

// External implements Metrics.
func (c Clients) External(name, namespace string, of labels.Selector) (int64, error) {
	l, err := c.Outside.NamespacedMetrics(namespace).List(name, of)
	if err != nil {
		return 0, fmt.Errorf("unable to fetch metrics from external metrics API: %w", err)
	}
	if len(l.Items) == 0 {
		return 0, errors.New("no metrics returned from external metrics API")
	}
	var sum int64
	for _, m := range l.Items {
		sum += m.Value.MilliValue()
	}
	return sum, nil
}
