package podtemplate

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/podspec"
)

// Warnings tells of what is surely not meant in the template.
func Warnings(obj *v1.PodTemplate) []string {
	return podspec.TemplateWarnings(&obj.Template, field.NewPath("template"))
}

// UpdateWarnings are those of the new object.
func UpdateWarnings(obj, _ *v1.PodTemplate) []string { return Warnings(obj) }
