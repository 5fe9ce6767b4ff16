package statefulset

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/podspec"
)

// Warnings tells of what is surely not meant in the template.
func Warnings(obj *appsv1.StatefulSet) []string {
	warnings := podspec.TemplateWarnings(&obj.Spec.Template, field.NewPath("spec", "template"))
	if n := obj.Spec.RevisionHistoryLimit; n != nil && *n < 0 {
		warnings = append(warnings, "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended")
	}
	return warnings
}

// UpdateWarnings tells the same when the spec changed.
func UpdateWarnings(obj, old *appsv1.StatefulSet) []string {
	if obj.Generation == old.Generation {
		return nil
	}
	return Warnings(obj)
}
