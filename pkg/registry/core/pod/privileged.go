package pod

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// forbidPrivileged refuses privileged containers, where the cluster does not allow any.
func forbidPrivileged(_ context.Context, o *corev1.Pod) field.ErrorList {
	var errs field.ErrorList
	check := func(path *field.Path, c *corev1.SecurityContext) {
		if c != nil && c.Privileged != nil && *c.Privileged {
			errs = append(errs, field.Forbidden(path.Child("securityContext", "privileged"), "disallowed by cluster policy"))
		}
	}
	spec := field.NewPath("spec")
	for i := range o.Spec.InitContainers {
		check(spec.Child("initContainers").Index(i), o.Spec.InitContainers[i].SecurityContext)
	}
	for i := range o.Spec.Containers {
		check(spec.Child("containers").Index(i), o.Spec.Containers[i].SecurityContext)
	}
	return errs
}
