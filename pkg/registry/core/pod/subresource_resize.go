package pod

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tiphys.dev/apirules/check"
	rules "tiphys.dev/apirules/core/pod"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

// resizeStrategy lets through nothing but changed resources of containers (KEP-1287) and of the pod as a whole (KEP-5419).
type resizeStrategy struct{ stored.PartStrategy }

func newResizeStrategy() stored.PartStrategy { return resizeStrategy{resource.Part()} }

func (resizeStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	o, before := obj.(*corev1.Pod), old.(*corev1.Pod)
	asked := o.DeepCopy()
	*o = *before.DeepCopy()
	o.ResourceVersion, o.ManagedFields = asked.ResourceVersion, asked.ManagedFields
	if !sameNames(o.Spec.Containers, asked.Spec.Containers) || !sameNames(o.Spec.InitContainers, asked.Spec.InitContainers) {
		// Validation refuses it.
		o.Spec.Containers, o.Spec.InitContainers = asked.Spec.Containers, asked.Spec.InitContainers
		return
	}
	copyResources(o.Spec.Containers, asked.Spec.Containers)
	copyResources(o.Spec.InitContainers, asked.Spec.InitContainers)
	o.Spec.Resources = asked.Spec.Resources
	raiseGeneration(o, before)
}

func sameNames(a, b []corev1.Container) bool {
	return slices.EqualFunc(a, b, func(x, y corev1.Container) bool { return x.Name == y.Name })
}

func copyResources(to, from []corev1.Container) {
	for i := range to {
		for j := range from {
			if to[i].Name == from[j].Name {
				to[i].Resources, to[i].ResizePolicy = from[j].Resources, from[j].ResizePolicy
			}
		}
	}
}

func (resizeStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return rules.ValidateResize(obj.(*corev1.Pod), old.(*corev1.Pod))
}

func (resizeStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set { return nil }

// raiseGeneration counts a change of the spec that came through a subresource.
func raiseGeneration(o, before *corev1.Pod) {
	o.Generation = before.Generation
	if !check.Same(&o.Spec, &before.Spec) {
		o.Generation++
	}
}
