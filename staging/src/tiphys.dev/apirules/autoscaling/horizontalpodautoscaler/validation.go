package horizontalpodautoscaler

import (
	"fmt"
	"strings"

	v2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/api/validation/path"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/resources"
)

const (
	longestWindow = 3600
	longestPeriod = 1800
)

// Validate checks a new autoscaler.
func Validate(obj *v2.HorizontalPodAutoscaler) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, 1)...)
}

// ValidateUpdate checks a change. Zero replicas stay allowed where they were.
func ValidateUpdate(obj, old *v2.HorizontalPodAutoscaler) field.ErrorList {
	fewest := int32(1)
	if old.Spec.MinReplicas != nil && *old.Spec.MinReplicas == 0 {
		fewest = 0
	}
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, fewest)...)
}

// ValidateStatusUpdate checks the counts.
func ValidateStatusUpdate(obj, old *v2.HorizontalPodAutoscaler) field.ErrorList {
	at := field.NewPath("status")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, check.NonNegative(at.Child("currentReplicas"), obj.Status.CurrentReplicas)...)
	return append(errs, check.NonNegative(at.Child("desiredReplicas"), obj.Status.DesiredReplicas)...)
}

func validateSpec(spec *v2.HorizontalPodAutoscalerSpec, fewest int32) field.ErrorList {
	at := field.NewPath("spec")
	var errs field.ErrorList
	if spec.MinReplicas != nil && *spec.MinReplicas < fewest {
		errs = append(errs, field.Invalid(at.Child("minReplicas"), *spec.MinReplicas, fmt.Sprintf("must be greater than or equal to %d", fewest)))
	}
	if spec.MaxReplicas == 0 {
		errs = append(errs, field.Required(at.Child("maxReplicas"), "must be set and greater than 0"))
	} else if spec.MaxReplicas < 1 {
		errs = append(errs, field.Invalid(at.Child("maxReplicas"), spec.MaxReplicas, "must be greater than or equal to 1"))
	}
	if spec.MinReplicas != nil && spec.MaxReplicas < *spec.MinReplicas {
		errs = append(errs, field.Invalid(at.Child("maxReplicas"), spec.MaxReplicas, "must be greater than or equal to `minReplicas`"))
	}
	errs = append(errs, validateReference(spec.ScaleTargetRef, at.Child("scaleTargetRef"))...)
	errs = append(errs, validateGroup(spec.ScaleTargetRef, at.Child("scaleTargetRef", "apiVersion"))...)
	for i := range spec.Metrics {
		errs = append(errs, validateMetric(&spec.Metrics[i], at.Child("metrics").Index(i))...)
	}
	errs = append(errs, validateZeroMinimum(spec, at)...)
	if spec.Behavior != nil {
		errs = append(errs, validateRules(spec.Behavior.ScaleUp, at.Child("behavior", "scaleUp"))...)
		errs = append(errs, validateRules(spec.Behavior.ScaleDown, at.Child("behavior", "scaleDown"))...)
	}
	return errs
}

// Nothing runs at zero replicas, so only a metric of something else can tell when to start again.
func validateZeroMinimum(spec *v2.HorizontalPodAutoscalerSpec, at *field.Path) field.ErrorList {
	if spec.MinReplicas == nil || *spec.MinReplicas != 0 {
		return nil
	}
	for _, m := range spec.Metrics {
		if m.Type == v2.ObjectMetricSourceType || m.Type == v2.ExternalMetricSourceType {
			return nil
		}
	}
	return field.ErrorList{field.Forbidden(at.Child("metrics"), "must specify at least one Object or External metric to support scaling to zero replicas")}
}

// validateGroup: of the kinds without group only one can be scaled; others were named without theirs by mistake.
func validateGroup(ref v2.CrossVersionObjectReference, at *field.Path) field.ErrorList {
	if ref.Kind == "ReplicationController" || strings.Contains(ref.APIVersion, "/") {
		return nil
	}
	return field.ErrorList{field.Invalid(at, ref.APIVersion, "apiVersion must specify API group")}
}

func validateReference(ref v2.CrossVersionObjectReference, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	segment := func(child, value string) {
		if value == "" {
			errs = append(errs, field.Required(at.Child(child), ""))
			return
		}
		errs = append(errs, check.Messages(at.Child(child), value, path.IsValidPathSegmentName(value))...)
	}
	segment("kind", ref.Kind)
	segment("name", ref.Name)
	return errs
}

func validateMetric(m *v2.MetricSpec, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	types := []v2.MetricSourceType{v2.ContainerResourceMetricSourceType, v2.ExternalMetricSourceType, v2.ObjectMetricSourceType, v2.PodsMetricSourceType, v2.ResourceMetricSourceType}
	if m.Type == "" {
		errs = append(errs, field.Required(at.Child("type"), "must specify a metric source type"))
	}
	errs = append(errs, check.OneOf(at.Child("type"), m.Type, types...)...)
	// Only the first of several sources is looked at.
	var given []string
	one := func(child string, set bool, rule func(*field.Path) field.ErrorList) {
		if !set {
			return
		}
		if given = append(given, child); len(given) == 1 {
			errs = append(errs, rule(at.Child(child))...)
		}
	}
	one("object", m.Object != nil, func(p *field.Path) field.ErrorList { return validateObject(m.Object, p) })
	one("external", m.External != nil, func(p *field.Path) field.ErrorList { return validateExternal(m.External, p) })
	one("pods", m.Pods != nil, func(p *field.Path) field.ErrorList { return validatePods(m.Pods, p) })
	one("resource", m.Resource != nil, func(p *field.Path) field.ErrorList { return validateResource(m.Resource.Name, m.Resource.Target, p) })
	one("containerResource", m.ContainerResource != nil, func(p *field.Path) field.ErrorList {
		wrong := validateResource(m.ContainerResource.Name, m.ContainerResource.Target, p)
		if m.ContainerResource.Container == "" {
			wrong = append(wrong, field.Required(p.Child("container"), "must specify a container"))
		} else {
			wrong = append(wrong, check.DNSLabel(p.Child("container"), m.ContainerResource.Container)...)
		}
		if m.ContainerResource.Name != "" {
			wrong = append(wrong, resources.ValidateContainerName(m.ContainerResource.Name, p.Child("name"))...)
		}
		return wrong
	})
	expected := map[v2.MetricSourceType]struct {
		child string
		set   bool
	}{
		v2.ObjectMetricSourceType: {"object", m.Object != nil}, v2.PodsMetricSourceType: {"pods", m.Pods != nil},
		v2.ResourceMetricSourceType: {"resource", m.Resource != nil}, v2.ExternalMetricSourceType: {"external", m.External != nil},
		v2.ContainerResourceMetricSourceType: {"containerResource", m.ContainerResource != nil},
	}
	e, known := expected[m.Type]
	if known && !e.set {
		errs = append(errs, field.Required(at.Child(e.child), "must populate information for the given metric source"))
	}
	if len(given) > 1 {
		for _, child := range given {
			if child != e.child {
				errs = append(errs, field.Forbidden(at.Child(child), "must populate the given metric source only"))
			}
		}
	}
	return errs
}

func validateIdentifier(id v2.MetricIdentifier, at *field.Path) field.ErrorList {
	if id.Name == "" {
		return field.ErrorList{field.Required(at.Child("name"), "must specify a metric name")}
	}
	return check.Messages(at.Child("name"), id.Name, path.IsValidPathSegmentName(id.Name))
}

func validateObject(s *v2.ObjectMetricSource, at *field.Path) field.ErrorList {
	errs := validateReference(s.DescribedObject, at.Child("describedObject"))
	errs = append(errs, validateIdentifier(s.Metric, at.Child("metric"))...)
	errs = append(errs, validateTarget(s.Target, at.Child("target"))...)
	if s.Target.Value == nil && s.Target.AverageValue == nil {
		errs = append(errs, field.Required(at.Child("target").Child("averageValue"), "must set either a target value or averageValue"))
	}
	return errs
}

func validateExternal(s *v2.ExternalMetricSource, at *field.Path) field.ErrorList {
	errs := validateIdentifier(s.Metric, at.Child("metric"))
	errs = append(errs, validateTarget(s.Target, at.Child("target"))...)
	if s.Target.Value == nil && s.Target.AverageValue == nil {
		errs = append(errs, field.Required(at.Child("target").Child("averageValue"), "must set either a target value for metric or a per-pod target"))
	}
	if s.Target.Value != nil && s.Target.AverageValue != nil {
		errs = append(errs, field.Forbidden(at.Child("target").Child("value"), "may not set both a target value for metric and a per-pod target"))
	}
	return errs
}

func validatePods(s *v2.PodsMetricSource, at *field.Path) field.ErrorList {
	errs := validateIdentifier(s.Metric, at.Child("metric"))
	errs = append(errs, validateTarget(s.Target, at.Child("target"))...)
	if s.Target.AverageValue == nil {
		errs = append(errs, field.Required(at.Child("target").Child("averageValue"), "must specify a positive target averageValue"))
	}
	return errs
}

func validateResource(name corev1.ResourceName, target v2.MetricTarget, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if name == "" {
		errs = append(errs, field.Required(at.Child("name"), "must specify a resource name"))
	}
	errs = append(errs, validateTarget(target, at.Child("target"))...)
	if target.AverageUtilization == nil && target.AverageValue == nil {
		errs = append(errs, field.Required(at.Child("target").Child("averageUtilization"), "must set either a target raw value or a target utilization"))
	}
	if target.AverageUtilization != nil && target.AverageValue != nil {
		errs = append(errs, field.Forbidden(at.Child("target").Child("averageValue"), "may not set both a target raw value and a target utilization"))
	}
	return errs
}

func validateTarget(t v2.MetricTarget, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if t.Type == "" {
		errs = append(errs, field.Required(at.Child("type"), "must specify a metric target type"))
	}
	if t.Type != v2.UtilizationMetricType && t.Type != v2.ValueMetricType && t.Type != v2.AverageValueMetricType {
		errs = append(errs, field.Invalid(at.Child("type"), t.Type, "must be either Utilization, Value, or AverageValue"))
	}
	if t.AverageUtilization != nil && *t.AverageUtilization < 1 {
		errs = append(errs, field.Invalid(at.Child("averageUtilization"), t.AverageUtilization, "must be greater than 0"))
	}
	if t.Value != nil && t.Value.Sign() != 1 {
		errs = append(errs, field.Invalid(at.Child("value"), t.Value, "must be positive"))
	}
	if t.AverageValue != nil && t.AverageValue.Sign() != 1 {
		errs = append(errs, field.Invalid(at.Child("averageValue"), t.AverageValue, "must be positive"))
	}
	return errs
}

func validateRules(r *v2.HPAScalingRules, at *field.Path) field.ErrorList {
	if r == nil {
		return nil
	}
	var errs field.ErrorList
	if w := r.StabilizationWindowSeconds; w != nil {
		errs = append(errs, check.NonNegative(at.Child("stabilizationWindowSeconds"), *w)...)
		if *w > longestWindow {
			errs = append(errs, field.Invalid(at.Child("stabilizationWindowSeconds"), *w, fmt.Sprintf("must be less than or equal to %v", longestWindow)))
		}
	}
	if r.SelectPolicy != nil {
		errs = append(errs, check.OneOf(at.Child("selectPolicy"), *r.SelectPolicy, v2.DisabledPolicySelect, v2.MaxChangePolicySelect, v2.MinChangePolicySelect)...)
	}
	policies := at.Child("policies")
	if len(r.Policies) == 0 {
		errs = append(errs, field.Required(policies, "must specify at least one Policy"))
	}
	for i, p := range r.Policies {
		errs = append(errs, validatePolicy(p, policies.Index(i))...)
	}
	if r.Tolerance != nil {
		errs = append(errs, check.NonNegativeQuantity(at.Child("tolerance"), *r.Tolerance)...)
	}
	return errs
}

func validatePolicy(p v2.HPAScalingPolicy, at *field.Path) field.ErrorList {
	errs := check.OneOf(at.Child("type"), p.Type, v2.PercentScalingPolicy, v2.PodsScalingPolicy)
	if p.Value <= 0 {
		errs = append(errs, field.Invalid(at.Child("value"), p.Value, "must be greater than zero"))
	}
	if p.PeriodSeconds <= 0 {
		errs = append(errs, field.Invalid(at.Child("periodSeconds"), p.PeriodSeconds, "must be greater than zero"))
	}
	if p.PeriodSeconds > longestPeriod {
		errs = append(errs, field.Invalid(at.Child("periodSeconds"), p.PeriodSeconds, fmt.Sprintf("must be less than or equal to %v", longestPeriod)))
	}
	return errs
}
