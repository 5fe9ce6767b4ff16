package horizontalpodautoscaler

import (
	"context"
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// target is what is scaled, as it is now.
type target struct {
	namespace string
	current   int32
	selector  labels.Selector
	pods      []*v1.Pod
	tolerance tolerance
}

func (t target) ready() int {
	n := 0
	for _, p := range t.pods {
		if p.Status.Phase == v1.PodRunning && podstate.IsReady(p) {
			n++
		}
	}
	return n
}

// proposal of one metric.
type proposal struct {
	replicas int32
	status   autoscalingv2.MetricStatus
	about    string // for messages
}

// failure is a metric that could not be used, with the reason for condition and event.
type failure struct {
	reason string
	error
}

// propose asks every metric. It returns the largest proposal, the status of those that worked, and the first failure.
func (c *Controller) propose(ctx context.Context, t target, metrics []autoscalingv2.MetricSpec) (best *proposal, statuses []autoscalingv2.MetricStatus, first *failure) {
	for _, m := range metrics {
		p, reason, err := c.metric(ctx, t, m)
		if err != nil {
			if first == nil {
				first = &failure{reason, err}
			}
			continue
		}
		statuses = append(statuses, p.status)
		if best == nil || p.replicas > best.replicas {
			best = p
		}
	}
	return best, statuses, first
}

func (c *Controller) metric(ctx context.Context, t target, m autoscalingv2.MetricSpec) (*proposal, string, error) {
	switch {
	case m.Type == autoscalingv2.ResourceMetricSourceType && m.Resource != nil:
		p, err := c.resource(ctx, t, m.Resource.Name, "", m.Resource.Target)
		if err != nil {
			return nil, "FailedGetResourceMetric", fmt.Errorf("failed to get %s utilization: %w", m.Resource.Name, err)
		}
		current := p.status.Resource.Current
		p.status = autoscalingv2.MetricStatus{Type: m.Type, Resource: &autoscalingv2.ResourceMetricStatus{Name: m.Resource.Name, Current: current}}
		return p, "", nil
	case m.Type == autoscalingv2.ContainerResourceMetricSourceType && m.ContainerResource != nil:
		r := m.ContainerResource
		p, err := c.resource(ctx, t, r.Name, r.Container, r.Target)
		if err != nil {
			return nil, "FailedGetContainerResourceMetric", fmt.Errorf("failed to get %s container utilization: %w", r.Name, err)
		}
		current := p.status.Resource.Current
		p.status = autoscalingv2.MetricStatus{Type: m.Type, ContainerResource: &autoscalingv2.ContainerResourceMetricStatus{Name: r.Name, Container: r.Container, Current: current}}
		return p, "", nil
	case m.Type == autoscalingv2.PodsMetricSourceType && m.Pods != nil:
		p, err := c.podsMetric(t, m.Pods)
		return p, "FailedGetPodsMetric", err
	case m.Type == autoscalingv2.ObjectMetricSourceType && m.Object != nil:
		p, err := c.objectMetric(t, m.Object)
		return p, "FailedGetObjectMetric", err
	case m.Type == autoscalingv2.ExternalMetricSourceType && m.External != nil:
		p, err := c.externalMetric(t, m.External)
		return p, "FailedGetExternalMetric", err
	}
	return nil, "InvalidMetricSourceType", fmt.Errorf("unknown metric source type %q", m.Type)
}

func (c *Controller) resource(ctx context.Context, t target, name v1.ResourceName, container string, want autoscalingv2.MetricTarget) (*proposal, error) {
	samples, err := c.cfg.Measured.Resource(ctx, name, t.namespace, t.selector, container)
	if err != nil {
		return nil, err
	}
	g := group(t.pods, samples, name == v1.ResourceCPU, readiness{c.cfg.CPUInitialization, c.cfg.ReadinessDelay, c.cfg.Clock.Now()})
	percent := want.AverageUtilization != nil
	weight, goal := func(string) int64 { return 1 }, int64(0)
	switch {
	case percent:
		asked, err := requests(t.pods, container, name)
		if err != nil {
			return nil, err
		}
		weight, goal = func(p string) int64 { return asked[p] }, int64(*want.AverageUtilization)
	case want.AverageValue != nil:
		goal = want.AverageValue.MilliValue()
	default:
		return nil, errors.New("invalid resource metric source: neither an average utilization nor an average value target was set")
	}
	n, sum, base, err := perPod(t.current, g, samples, weight, goal, percent, t.tolerance)
	if err != nil {
		return nil, err
	}
	average := autoscalingv2.MetricValueStatus{AverageValue: milli(sum / int64(len(g.measured)))}
	about := fmt.Sprintf("%s resource", name)
	if percent {
		used := int32(sum * 100 / base)
		average.AverageUtilization = &used
		about += " utilization (percentage of request)"
	}
	return &proposal{replicas: n, about: about, status: autoscalingv2.MetricStatus{Resource: &autoscalingv2.ResourceMetricStatus{Current: average}}}, nil
}

func (c *Controller) podsMetric(t target, m *autoscalingv2.PodsMetricSource) (*proposal, error) {
	of, err := selectorOf(m.Metric)
	if err != nil {
		return nil, err
	}
	if m.Target.AverageValue == nil {
		return nil, errors.New("a pods metric needs an average value target")
	}
	samples, err := c.cfg.Measured.Pods(m.Metric.Name, t.namespace, t.selector, of)
	if err != nil {
		return nil, err
	}
	g := group(t.pods, samples, false, readiness{})
	n, sum, _, err := perPod(t.current, g, samples, func(string) int64 { return 1 }, m.Target.AverageValue.MilliValue(), false, t.tolerance)
	if err != nil {
		return nil, err
	}
	return &proposal{replicas: n, about: "pods metric " + m.Metric.Name, status: autoscalingv2.MetricStatus{Type: autoscalingv2.PodsMetricSourceType,
		Pods: &autoscalingv2.PodsMetricStatus{Metric: m.Metric, Current: autoscalingv2.MetricValueStatus{AverageValue: milli(sum / int64(len(g.measured)))}}}}, nil
}

func (c *Controller) objectMetric(t target, m *autoscalingv2.ObjectMetricSource) (*proposal, error) {
	of, err := selectorOf(m.Metric)
	if err != nil {
		return nil, err
	}
	usage, err := c.cfg.Measured.Object(m.Metric.Name, t.namespace, m.DescribedObject, of)
	if err != nil {
		return nil, err
	}
	n, current, err := single(t, usage, m.Target)
	if err != nil {
		return nil, err
	}
	return &proposal{replicas: n, about: m.DescribedObject.Kind + " metric " + m.Metric.Name, status: autoscalingv2.MetricStatus{Type: autoscalingv2.ObjectMetricSourceType,
		Object: &autoscalingv2.ObjectMetricStatus{Metric: m.Metric, DescribedObject: m.DescribedObject, Current: current}}}, nil
}

func (c *Controller) externalMetric(t target, m *autoscalingv2.ExternalMetricSource) (*proposal, error) {
	of, err := selectorOf(m.Metric)
	if err != nil {
		return nil, err
	}
	usage, err := c.cfg.Measured.External(m.Metric.Name, t.namespace, of)
	if err != nil {
		return nil, err
	}
	n, current, err := single(t, usage, m.Target)
	if err != nil {
		return nil, err
	}
	return &proposal{replicas: n, about: "external metric " + m.Metric.Name, status: autoscalingv2.MetricStatus{Type: autoscalingv2.ExternalMetricSourceType,
		External: &autoscalingv2.ExternalMetricStatus{Metric: m.Metric, Current: current}}}, nil
}

// single proposes from one number for the whole target.
func single(t target, usage int64, want autoscalingv2.MetricTarget) (int32, autoscalingv2.MetricValueStatus, error) {
	switch {
	case want.Value != nil && want.Value.MilliValue() > 0:
		return whole(t.current, t.ready(), usage, want.Value.MilliValue(), t.tolerance), autoscalingv2.MetricValueStatus{Value: milli(usage)}, nil
	case want.AverageValue != nil && want.AverageValue.MilliValue() > 0:
		return shared(t.current, usage, want.AverageValue.MilliValue(), t.tolerance), autoscalingv2.MetricValueStatus{AverageValue: milli(usage / int64(max(1, t.current)))}, nil
	}
	return 0, autoscalingv2.MetricValueStatus{}, errors.New("neither a value target nor an average value target was set")
}

func selectorOf(m autoscalingv2.MetricIdentifier) (labels.Selector, error) {
	if m.Selector == nil {
		return labels.Everything(), nil
	}
	return metav1.LabelSelectorAsSelector(m.Selector)
}

func milli(n int64) *resource.Quantity { return resource.NewMilliQuantity(n, resource.DecimalSI) }
