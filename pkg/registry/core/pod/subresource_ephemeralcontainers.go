package pod

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	rules "tiphys.dev/apirules/core/pod"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

// ephemeralContainersStrategy lets through nothing but added ephemeral containers.
type ephemeralContainersStrategy struct{ stored.PartStrategy }

func newEphemeralContainersStrategy() stored.PartStrategy {
	return ephemeralContainersStrategy{resource.Part()}
}

func (ephemeralContainersStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	o, before := obj.(*corev1.Pod), old.(*corev1.Pod)
	asked := *o
	*o = *before.DeepCopy()
	o.ResourceVersion, o.ManagedFields = asked.ResourceVersion, asked.ManagedFields
	o.Spec.EphemeralContainers = asked.Spec.EphemeralContainers
	raiseGeneration(o, before)
}

func (ephemeralContainersStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return rules.ValidateEphemeralContainersUpdate(obj.(*corev1.Pod), old.(*corev1.Pod))
}

func (ephemeralContainersStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return nil
}
