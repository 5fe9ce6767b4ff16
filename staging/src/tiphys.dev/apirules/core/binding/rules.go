package binding

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/core/pod"
)

// Validate checks a binding of a pod to a node.
func Validate(obj *v1.Binding) field.ErrorList { return pod.ValidateBinding(obj) }
