package replicationcontroller

import (
	"slices"

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

// UpdateWarnings tells the same when the spec changed, but of a negative grace period: that is told once, when the template is
// new.
func UpdateWarnings(obj, old *v1.ReplicationController) []string {
	if obj.Generation == old.Generation {
		return nil
	}
	told := podspec.GracePeriodWarning(field.NewPath("spec", "template", "spec"))
	return slices.DeleteFunc(Warnings(obj), func(w string) bool { return old.Spec.Template != nil && w == told })
}
