package replicationcontroller

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/podspec"
)

// Warnings tells of what is surely not meant in the template.
func Warnings(obj *v1.ReplicationController) []string {
	if obj.Spec.Template == nil {
		return nil
	}
	return podspec.TemplateWarnings(obj.Spec.Template, field.NewPath("spec", "template"))
}

// UpdateWarnings tells the same when the spec changed.
func UpdateWarnings(obj, old *v1.ReplicationController) []string {
	if obj.Generation == old.Generation {
		return nil
	}
	return Warnings(obj)
}
