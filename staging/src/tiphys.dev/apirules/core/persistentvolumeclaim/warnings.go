package persistentvolumeclaim

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Warnings tells of the annotation the field took the place of, and of fractions of bytes.
func Warnings(obj *v1.PersistentVolumeClaim) []string {
	var warnings []string
	if _, ok := obj.Annotations[betaClass]; ok {
		warnings = append(warnings, fmt.Sprintf("%s: deprecated since v1.8; use \"storageClassName\" attribute instead", field.NewPath("metadata", "annotations").Key(betaClass)))
	}
	at := field.NewPath("spec", "resources")
	for _, list := range []struct {
		child   string
		amounts v1.ResourceList
	}{{"requests", obj.Spec.Resources.Requests}, {"limits", obj.Spec.Resources.Limits}} {
		if amount, ok := list.amounts[v1.ResourceStorage]; ok && amount.MilliValue()%1000 != 0 {
			warnings = append(warnings, fmt.Sprintf("%s: fractional byte value %q is invalid, must be an integer", at.Child(list.child).Key("storage"), amount.String()))
		}
	}
	return warnings
}

// UpdateWarnings are those of the new object.
func UpdateWarnings(obj, _ *v1.PersistentVolumeClaim) []string { return Warnings(obj) }
