package replicationcontroller

import (
	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"
)

// SetDefaults takes labels and selector from the template where they are not given.
func SetDefaults(obj *v1.ReplicationController) {
	if obj.Spec.Template != nil {
		if fromTemplate := obj.Spec.Template.Labels; fromTemplate != nil {
			if len(obj.Spec.Selector) == 0 {
				obj.Spec.Selector = fromTemplate
			}
			if len(obj.Labels) == 0 {
				obj.Labels = fromTemplate
			}
		}
		podspec.SetTemplateDefaults(obj.Spec.Template)
	}
	if obj.Spec.Replicas == nil {
		one := int32(1)
		obj.Spec.Replicas = &one
	}
}

// Validate checks a new controller.
func Validate(obj *v1.ReplicationController) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, check.WholeName, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, podspec.Options{})...)
}

// ValidateUpdate checks a change.
func ValidateUpdate(obj, old *v1.ReplicationController) field.ErrorList {
	var was *v1.PodSpec
	if old.Spec.Template != nil {
		was = &old.Spec.Template.Spec
	}
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateSpec(&obj.Spec, podspec.ForUpdate(was, false))...)
}

func validateSpec(spec *v1.ReplicationControllerSpec, opts podspec.Options) field.ErrorList {
	path := field.NewPath("spec")
	errs := check.NonNegative(path.Child("minReadySeconds"), spec.MinReadySeconds)
	if len(spec.Selector) == 0 {
		errs = append(errs, field.Required(path.Child("selector"), ""))
	}
	if spec.Replicas == nil {
		errs = append(errs, field.Required(path.Child("replicas"), ""))
	} else {
		errs = append(errs, check.NonNegative(path.Child("replicas"), *spec.Replicas)...)
	}
	if spec.Template == nil {
		return append(errs, field.Required(path.Child("template"), ""))
	}
	template := path.Child("template")
	if selector := labels.Set(spec.Selector).AsSelectorPreValidated(); !selector.Empty() && !selector.Matches(labels.Set(spec.Template.Labels)) {
		errs = append(errs, field.Invalid(template.Child("metadata", "labels"), spec.Template.Labels, "`selector` does not match template `labels`"))
	}
	errs = append(errs, podspec.ValidateTemplate(spec.Template, template, opts)...)
	return append(errs, podspec.ValidateRunsForever(&spec.Template.Spec, template.Child("spec"))...)
}

// ValidateStatusUpdate checks the counts.
func ValidateStatusUpdate(obj, old *v1.ReplicationController) field.ErrorList {
	s, path := &obj.Status, field.NewPath("status")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, podspec.ValidateReplicaCounts(podspec.ReplicaCounts{Replicas: s.Replicas, FullyLabeled: s.FullyLabeledReplicas,
		Ready: s.ReadyReplicas, Available: s.AvailableReplicas, ObservedGeneration: s.ObservedGeneration}, path)...)
}
