package statefulset

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/persistentvolumeclaim"
	"tiphys.dev/apirules/core/podspec"
)

// A pod is named after the set and labelled with its name, so a label must be able to hold the set's name.
func nameRule(name string, prefix bool) []string { return apivalidation.NameIsDNSLabel(name, prefix) }

// Validate checks a new stateful set.
func Validate(obj *appsv1.StatefulSet) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, nameRule, field.NewPath("metadata"))
	// The name becomes part of those of pods. Sets of old may have others.
	if name, at := obj.Spec.ServiceName, field.NewPath("spec", "serviceName"); strings.Contains(name, ".") && len(validation.IsDNS1123Subdomain(name)) == 0 {
		errs = append(errs, field.Invalid(at, name, "must not contain dots"))
	} else if name != "" {
		errs = append(errs, check.DNSLabel(at, name)...)
	}
	return append(errs, validateSpec(&obj.Spec, nil)...)
}

// ValidateUpdate checks a change: what pods and volumes of the set are built on never changes.
func ValidateUpdate(obj, old *appsv1.StatefulSet) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateSpec(&obj.Spec, &old.Spec)...)
	rest := obj.Spec.DeepCopy()
	was := old.Spec.DeepCopy()
	rest.Replicas, rest.Template, rest.UpdateStrategy = was.Replicas, was.Template, was.UpdateStrategy
	rest.MinReadySeconds, rest.Ordinals, rest.RevisionHistoryLimit = was.MinReadySeconds, was.Ordinals, was.RevisionHistoryLimit
	rest.PersistentVolumeClaimRetentionPolicy = was.PersistentVolumeClaimRetentionPolicy
	// Kind and version are shown in claims, and mean nothing there.
	for _, claims := range [][]v1.PersistentVolumeClaim{rest.VolumeClaimTemplates, was.VolumeClaimTemplates} {
		for i := range claims {
			claims[i].TypeMeta = metav1.TypeMeta{}
		}
	}
	if !check.Same(rest, was) {
		errs = append(errs, field.Forbidden(field.NewPath("spec"), "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"))
	}
	return errs
}

func validateSpec(spec, old *appsv1.StatefulSetSpec) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	add := func(more field.ErrorList) { errs = append(errs, more...) }
	var opts podspec.Options
	var selectors metavalidation.LabelSelectorValidationOptions
	if old != nil {
		opts = podspec.ForUpdate(&old.Template.Spec, false)
		selectors.AllowInvalidLabelValueInSelector = metavalidation.LabelSelectorHasInvalidLabelValue(old.Selector)
	}
	switch spec.PodManagementPolicy {
	case "":
		add(field.ErrorList{field.Required(path.Child("podManagementPolicy"), "")})
	case appsv1.OrderedReadyPodManagement, appsv1.ParallelPodManagement:
	default:
		add(field.ErrorList{field.Invalid(path.Child("podManagementPolicy"), spec.PodManagementPolicy,
			fmt.Sprintf("must be '%s' or '%s'", appsv1.OrderedReadyPodManagement, appsv1.ParallelPodManagement))})
	}
	add(validateStrategy(&spec.UpdateStrategy, path.Child("updateStrategy")))
	add(validateRetention(spec.PersistentVolumeClaimRetentionPolicy, path.Child("persistentVolumeClaimRetentionPolicy")))
	add(check.NonNegativePointer(path.Child("replicas"), spec.Replicas))
	add(check.NonNegative(path.Child("minReadySeconds"), spec.MinReadySeconds))
	if spec.Ordinals != nil {
		add(check.NonNegative(path.Child("ordinals.start"), spec.Ordinals.Start))
	}
	if spec.Selector == nil {
		add(field.ErrorList{field.Required(path.Child("selector"), "")})
	} else {
		add(metavalidation.ValidateLabelSelector(spec.Selector, selectors, path.Child("selector")))
		if len(spec.Selector.MatchLabels)+len(spec.Selector.MatchExpressions) == 0 {
			add(field.ErrorList{field.Invalid(path.Child("selector"), spec.Selector, "empty selector is invalid for statefulset")})
		}
	}
	template := path.Child("template")
	if selector, err := metav1.LabelSelectorAsSelector(spec.Selector); err != nil {
		add(field.ErrorList{field.Invalid(path.Child("selector"), spec.Selector, "")})
	} else {
		if !selector.Empty() && !selector.Matches(labels.Set(spec.Template.Labels)) {
			add(field.ErrorList{field.Invalid(template.Child("metadata", "labels"), spec.Template.Labels, "`selector` does not match template `labels`")})
		}
		add(podspec.ValidateTemplate(templateWithClaims(spec), template, opts))
	}
	if spec.Template.Spec.RestartPolicy != v1.RestartPolicyAlways {
		add(field.ErrorList{field.NotSupported(template.Child("spec", "restartPolicy"), string(spec.Template.Spec.RestartPolicy), []string{string(v1.RestartPolicyAlways)})})
	}
	if spec.Template.Spec.ActiveDeadlineSeconds != nil {
		add(field.ErrorList{field.Forbidden(template.Child("spec", "activeDeadlineSeconds"), "activeDeadlineSeconds in StatefulSet is not Supported")})
	}
	if old == nil {
		for i := range spec.VolumeClaimTemplates {
			add(persistentvolumeclaim.ValidateSpec(&spec.VolumeClaimTemplates[i].Spec, path.Child("volumeClaimTemplates").Index(i).Child("spec"), persistentvolumeclaim.Options{}))
		}
	}
	return errs
}

// templateWithClaims adds the volumes that the set's claims will become, for mounts refer to them by name.
func templateWithClaims(spec *appsv1.StatefulSetSpec) *v1.PodTemplateSpec {
	template := spec.Template.DeepCopy()
	// Each pod gets these from the set, whatever the template says.
	template.Spec.Hostname, template.Spec.Subdomain = "", ""
	names := map[string]bool{}
	volumes := make([]v1.Volume, 0, len(template.Spec.Volumes)+len(spec.VolumeClaimTemplates))
	for _, claim := range spec.VolumeClaimTemplates {
		if names[claim.Name] {
			continue // named twice
		}
		names[claim.Name] = true
		volumes = append(volumes, v1.Volume{Name: claim.Name, VolumeSource: v1.VolumeSource{
			PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name}}})
	}
	for _, v := range template.Spec.Volumes {
		if !names[v.Name] {
			volumes = append(volumes, v)
		}
	}
	template.Spec.Volumes = volumes
	return template
}

func validateStrategy(s *appsv1.StatefulSetUpdateStrategy, path *field.Path) field.ErrorList {
	switch s.Type {
	case "":
		return field.ErrorList{field.Required(path, "")}
	case appsv1.OnDeleteStatefulSetStrategyType:
		if s.RollingUpdate != nil {
			return field.ErrorList{field.Invalid(path.Child("rollingUpdate"), s.RollingUpdate,
				fmt.Sprintf("only allowed for updateStrategy '%s'", appsv1.RollingUpdateStatefulSetStrategyType))}
		}
		return nil
	case appsv1.RollingUpdateStatefulSetStrategyType:
		return validateRollingUpdate(s.RollingUpdate, path.Child("rollingUpdate"))
	}
	return field.ErrorList{field.Invalid(path, s, fmt.Sprintf("must be '%s' or '%s'", appsv1.RollingUpdateStatefulSetStrategyType, appsv1.OnDeleteStatefulSetStrategyType))}
}

func validateRollingUpdate(r *appsv1.RollingUpdateStatefulSetStrategy, path *field.Path) field.ErrorList {
	if r == nil {
		return nil
	}
	errs := check.NonNegativePointer(path.Child("partition"), r.Partition)
	if r.MaxUnavailable == nil {
		return errs
	}
	at := path.Child("maxUnavailable")
	errs = append(errs, check.IntOrPercent(at, *r.MaxUnavailable)...)
	if n, ok := check.Percent(*r.MaxUnavailable); ok && n == 0 || r.MaxUnavailable.Type == intstr.Int && r.MaxUnavailable.IntValue() == 0 {
		errs = append(errs, field.Invalid(at, *r.MaxUnavailable, "cannot be 0"))
	}
	return append(errs, check.NotMoreThanHundredPercent(at, *r.MaxUnavailable)...)
}

func validateRetention(p *appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy, path *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	allowed := []appsv1.PersistentVolumeClaimRetentionPolicyType{appsv1.RetainPersistentVolumeClaimRetentionPolicyType, appsv1.DeletePersistentVolumeClaimRetentionPolicyType}
	errs := check.OneOf(path.Child("whenDeleted"), p.WhenDeleted, allowed...)
	return append(errs, check.OneOf(path.Child("whenScaled"), p.WhenScaled, allowed...)...)
}

// ValidateStatusUpdate checks the counts.
func ValidateStatusUpdate(obj, old *appsv1.StatefulSet) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	s, path := &obj.Status, field.NewPath("status")
	counts := []struct {
		child string
		count int32
	}{{"readyReplicas", s.ReadyReplicas}, {"currentReplicas", s.CurrentReplicas}, {"updatedReplicas", s.UpdatedReplicas}, {"availableReplicas", s.AvailableReplicas}}
	errs = append(errs, check.NonNegative(path.Child("replicas"), s.Replicas)...)
	for _, c := range counts {
		errs = append(errs, check.NonNegative(path.Child(c.child), c.count)...)
	}
	errs = append(errs, check.NonNegative(path.Child("observedGeneration"), s.ObservedGeneration)...)
	errs = append(errs, check.NonNegativePointer(path.Child("collisionCount"), s.CollisionCount)...)
	for _, c := range counts {
		if c.count > s.Replicas {
			errs = append(errs, field.Invalid(path.Child(c.child), c.count, "cannot be greater than status.replicas"))
		}
	}
	if s.AvailableReplicas > s.ReadyReplicas {
		errs = append(errs, field.Invalid(path.Child("availableReplicas"), s.AvailableReplicas, "cannot be greater than status.readyReplicas"))
	}
	return append(errs, podspec.ValidateCollisionCount(s.CollisionCount, old.Status.CollisionCount, path.Child("collisionCount"))...)
}
