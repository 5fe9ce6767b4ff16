package job

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// GenerateSelector labels the job's pods with its UID and name, and selects them by UID, unless the user chose the
// selector. The registry calls it when the job has its UID.
func GenerateSelector(obj *batchv1.Job) {
	if obj.Spec.ManualSelector != nil && *obj.Spec.ManualSelector {
		return
	}
	template := &obj.Spec.Template
	if template.Labels == nil {
		template.Labels = map[string]string{}
	}
	for _, key := range []string{legacyUIDLabel, uidLabel} {
		setIfAbsent(template.Labels, key, string(obj.UID))
	}
	for _, key := range []string{legacyNameLabel, nameLabel} {
		setIfAbsent(template.Labels, key, obj.Name)
	}
	if obj.Spec.Selector == nil {
		obj.Spec.Selector = &metav1.LabelSelector{}
	}
	if obj.Spec.Selector.MatchLabels == nil {
		obj.Spec.Selector.MatchLabels = map[string]string{}
	}
	setIfAbsent(obj.Spec.Selector.MatchLabels, uidLabel, string(obj.UID))
}

// Labels that the user set stay, to be refused by validation where they are wrong.
func setIfAbsent(labels map[string]string, key, value string) {
	if _, set := labels[key]; !set {
		labels[key] = value
	}
}

// validateGeneratedSelector wants the labels that only this job can have.
func validateGeneratedSelector(obj *batchv1.Job) field.ErrorList {
	if obj.Spec.ManualSelector != nil && *obj.Spec.ManualSelector || obj.Spec.Selector == nil {
		return nil
	}
	var errs field.ErrorList
	if obj.UID == "" {
		return errs
	}
	labels := field.NewPath("spec", "template", "metadata", "labels")
	want := func(key, value string) {
		if got, ok := obj.Spec.Template.Labels[key]; !ok {
			errs = append(errs, field.Required(labels.Key(key), fmt.Sprintf("must be '%s'", value)))
		} else if got != value {
			errs = append(errs, field.Invalid(labels.Key(key), obj.Spec.Template.Labels[key], fmt.Sprintf("must be '%s'", value)))
		}
	}
	want(legacyUIDLabel, string(obj.UID))
	want(legacyNameLabel, obj.Name)
	want(uidLabel, string(obj.UID))
	want(nameLabel, obj.Name)
	expected := map[string]string{uidLabel: string(obj.UID)}
	legacy := map[string]string{legacyUIDLabel: string(obj.UID)}
	if _, err := metav1.LabelSelectorAsSelector(obj.Spec.Selector); err != nil {
		return errs // said elsewhere
	}
	if len(obj.Spec.Selector.MatchExpressions) > 0 || !check.Same(obj.Spec.Selector.MatchLabels, expected) && !check.Same(obj.Spec.Selector.MatchLabels, legacy) {
		errs = append(errs, field.Invalid(field.NewPath("spec", "selector"), obj.Spec.Selector, "`selector` not auto-generated"))
	}
	return errs
}
