package scheme

import (
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

// The annotations of v1 hold metrics in the form that autoscaling/v1 has types for: a name and a value where v2 has an identifier
// and a target.

func metricsToV1(in []autoscalingv2.MetricSpec) []autoscalingv1.MetricSpec {
	out := make([]autoscalingv1.MetricSpec, len(in))
	for i, m := range in {
		out[i].Type = autoscalingv1.MetricSourceType(m.Type)
		if s := m.Object; s != nil {
			out[i].Object = &autoscalingv1.ObjectMetricSource{Target: autoscalingv1.CrossVersionObjectReference(s.DescribedObject),
				MetricName: s.Metric.Name, Selector: s.Metric.Selector, TargetValue: quantity(s.Target.Value), AverageValue: s.Target.AverageValue}
		}
		if s := m.Pods; s != nil {
			out[i].Pods = &autoscalingv1.PodsMetricSource{MetricName: s.Metric.Name, Selector: s.Metric.Selector,
				TargetAverageValue: quantity(s.Target.AverageValue)}
		}
		if s := m.Resource; s != nil {
			out[i].Resource = &autoscalingv1.ResourceMetricSource{Name: s.Name,
				TargetAverageUtilization: s.Target.AverageUtilization, TargetAverageValue: s.Target.AverageValue}
		}
		if s := m.ContainerResource; s != nil {
			out[i].ContainerResource = &autoscalingv1.ContainerResourceMetricSource{Name: s.Name, Container: s.Container,
				TargetAverageUtilization: s.Target.AverageUtilization, TargetAverageValue: s.Target.AverageValue}
		}
		if s := m.External; s != nil {
			out[i].External = &autoscalingv1.ExternalMetricSource{MetricName: s.Metric.Name, MetricSelector: s.Metric.Selector,
				TargetValue: s.Target.Value, TargetAverageValue: s.Target.AverageValue}
		}
	}
	return out
}

func metricsToV2(in []autoscalingv1.MetricSpec) []autoscalingv2.MetricSpec {
	var out []autoscalingv2.MetricSpec
	for _, m := range in {
		o := autoscalingv2.MetricSpec{Type: autoscalingv2.MetricSourceType(m.Type)}
		if s := m.Object; s != nil {
			o.Object = &autoscalingv2.ObjectMetricSource{DescribedObject: autoscalingv2.CrossVersionObjectReference(s.Target),
				Metric: autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: s.Selector}, Target: target(nil, s.AverageValue, &s.TargetValue)}
		}
		if s := m.Pods; s != nil {
			o.Pods = &autoscalingv2.PodsMetricSource{Metric: autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: s.Selector},
				Target: target(nil, &s.TargetAverageValue, nil)}
		}
		if s := m.Resource; s != nil {
			o.Resource = &autoscalingv2.ResourceMetricSource{Name: s.Name, Target: target(s.TargetAverageUtilization, s.TargetAverageValue, nil)}
		}
		if s := m.ContainerResource; s != nil {
			o.ContainerResource = &autoscalingv2.ContainerResourceMetricSource{Name: s.Name, Container: s.Container,
				Target: target(s.TargetAverageUtilization, s.TargetAverageValue, nil)}
		}
		if s := m.External; s != nil {
			o.External = &autoscalingv2.ExternalMetricSource{Metric: autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: s.MetricSelector},
				Target: target(nil, s.TargetAverageValue, s.TargetValue)}
		}
		out = append(out, o)
	}
	return out
}

// target says by which of the values a metric is judged: the first that is there.
func target(utilization *int32, average, value *resource.Quantity) autoscalingv2.MetricTarget {
	switch {
	case utilization != nil:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: utilization, AverageValue: average}
	case average != nil:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: average}
	}
	return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: value}
}

func measuresToV1(in []autoscalingv2.MetricStatus) []autoscalingv1.MetricStatus {
	out := make([]autoscalingv1.MetricStatus, len(in))
	for i, m := range in {
		out[i].Type = autoscalingv1.MetricSourceType(m.Type)
		if s := m.Object; s != nil {
			out[i].Object = &autoscalingv1.ObjectMetricStatus{Target: autoscalingv1.CrossVersionObjectReference(s.DescribedObject),
				MetricName: s.Metric.Name, Selector: s.Metric.Selector, CurrentValue: quantity(s.Current.Value), AverageValue: s.Current.AverageValue}
		}
		if s := m.Pods; s != nil {
			out[i].Pods = &autoscalingv1.PodsMetricStatus{MetricName: s.Metric.Name, Selector: s.Metric.Selector,
				CurrentAverageValue: quantity(s.Current.AverageValue)}
		}
		if s := m.Resource; s != nil {
			out[i].Resource = &autoscalingv1.ResourceMetricStatus{Name: s.Name,
				CurrentAverageUtilization: s.Current.AverageUtilization, CurrentAverageValue: quantity(s.Current.AverageValue)}
		}
		if s := m.ContainerResource; s != nil {
			out[i].ContainerResource = &autoscalingv1.ContainerResourceMetricStatus{Name: s.Name, Container: s.Container,
				CurrentAverageUtilization: s.Current.AverageUtilization, CurrentAverageValue: quantity(s.Current.AverageValue)}
		}
		if s := m.External; s != nil {
			out[i].External = &autoscalingv1.ExternalMetricStatus{MetricName: s.Metric.Name, MetricSelector: s.Metric.Selector,
				CurrentValue: quantity(s.Current.Value), CurrentAverageValue: s.Current.AverageValue}
		}
	}
	return out
}

func measuresToV2(in []autoscalingv1.MetricStatus) []autoscalingv2.MetricStatus {
	var out []autoscalingv2.MetricStatus
	for _, m := range in {
		o := autoscalingv2.MetricStatus{Type: autoscalingv2.MetricSourceType(m.Type)}
		if s := m.Object; s != nil {
			o.Object = &autoscalingv2.ObjectMetricStatus{DescribedObject: autoscalingv2.CrossVersionObjectReference(s.Target),
				Metric:  autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: s.Selector},
				Current: autoscalingv2.MetricValueStatus{Value: &s.CurrentValue, AverageValue: s.AverageValue}}
		}
		if s := m.Pods; s != nil {
			o.Pods = &autoscalingv2.PodsMetricStatus{Metric: autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: s.Selector},
				Current: autoscalingv2.MetricValueStatus{AverageValue: &s.CurrentAverageValue}}
		}
		if s := m.Resource; s != nil {
			o.Resource = &autoscalingv2.ResourceMetricStatus{Name: s.Name,
				Current: autoscalingv2.MetricValueStatus{AverageUtilization: s.CurrentAverageUtilization, AverageValue: &s.CurrentAverageValue}}
		}
		if s := m.ContainerResource; s != nil {
			o.ContainerResource = &autoscalingv2.ContainerResourceMetricStatus{Name: s.Name, Container: s.Container,
				Current: autoscalingv2.MetricValueStatus{AverageUtilization: s.CurrentAverageUtilization, AverageValue: &s.CurrentAverageValue}}
		}
		if s := m.External; s != nil {
			o.External = &autoscalingv2.ExternalMetricStatus{Metric: autoscalingv2.MetricIdentifier{Name: s.MetricName, Selector: s.MetricSelector},
				Current: autoscalingv2.MetricValueStatus{Value: &s.CurrentValue, AverageValue: s.CurrentAverageValue}}
		}
		out = append(out, o)
	}
	return out
}

func quantity(q *resource.Quantity) resource.Quantity {
	if q == nil {
		return resource.Quantity{}
	}
	return *q
}

// behavior is how the annotation spells it: it has been written with the names of fields of Go since before the fields were part of
// an API. Readers of JSON do not mind the case of names.
type behavior struct {
	ScaleUp   *scalingRules
	ScaleDown *scalingRules
}

type scalingRules struct {
	StabilizationWindowSeconds *int32
	SelectPolicy               *autoscalingv2.ScalingPolicySelect
	Policies                   []scalingPolicy
	Tolerance                  *resource.Quantity
}

type scalingPolicy struct {
	Type          autoscalingv2.HPAScalingPolicyType
	Value         int32
	PeriodSeconds int32
}

func behaviorToV1(in *autoscalingv2.HorizontalPodAutoscalerBehavior) behavior {
	rules := func(in *autoscalingv2.HPAScalingRules) *scalingRules {
		if in == nil {
			return nil
		}
		out := &scalingRules{StabilizationWindowSeconds: in.StabilizationWindowSeconds, SelectPolicy: in.SelectPolicy, Tolerance: in.Tolerance}
		for _, p := range in.Policies {
			out.Policies = append(out.Policies, scalingPolicy(p))
		}
		return out
	}
	return behavior{ScaleUp: rules(in.ScaleUp), ScaleDown: rules(in.ScaleDown)}
}
