package daemonset

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/podspec"
)

// Warnings tells of what is surely not meant in the template.
func Warnings(obj *appsv1.DaemonSet) []string {
	return podspec.TemplateWarnings(&obj.Spec.Template, field.NewPath("spec", "template"))
}

// UpdateWarnings tells the same when the spec changed.
func UpdateWarnings(obj, old *appsv1.DaemonSet) []string {
	if obj.Generation == old.Generation {
		return nil
	}
	return Warnings(obj)
}
