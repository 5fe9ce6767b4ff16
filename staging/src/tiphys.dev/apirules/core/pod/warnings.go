package pod

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/podspec"
)

// Warnings tells of what is surely not meant in a new pod.
func Warnings(obj *v1.Pod) []string {
	var warnings []string
	if msgs := validation.IsDNS1123Label(obj.Name); len(msgs) != 0 && obj.Name != "" {
		warnings = append(warnings, fmt.Sprintf("metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [%s]", strings.Join(msgs, " ")))
	}
	return append(warnings, podspec.Warnings(&obj.Spec, &obj.ObjectMeta, field.NewPath("spec"), field.NewPath("metadata"))...)
}

// UpdateWarnings tells it of a pod whose spec changed; changes of metadata and status are frequent and are let be.
func UpdateWarnings(obj, old *v1.Pod) []string {
	if obj.Generation == old.Generation {
		return nil
	}
	return podspec.Warnings(&obj.Spec, &obj.ObjectMeta, field.NewPath("spec"), field.NewPath("metadata"))
}
