package namespace

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	rules "tiphys.dev/apirules/core/namespace"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.Namespace]{
	Group: "", Name: "namespaces", Singular: "namespace",
	ShortNames: []string{"ns"},

	New:     func() *corev1.Namespace { return &corev1.Namespace{} },
	NewList: func() runtime.Object { return &corev1.NamespaceList{} },
	Spec:    func(o *corev1.Namespace) any { return &o.Spec },
	Status:  func(o *corev1.Namespace) any { return &o.Status },

	PrepareForCreate: func(_ context.Context, o *corev1.Namespace) {
		o.Status = corev1.NamespaceStatus{Phase: corev1.NamespaceActive}
		if !slices.Contains(o.Spec.Finalizers, corev1.FinalizerKubernetes) {
			o.Spec.Finalizers = append(o.Spec.Finalizers, corev1.FinalizerKubernetes)
		}
	},
	PrepareForUpdate: func(_ context.Context, o, old *corev1.Namespace) { o.Spec.Finalizers = old.Spec.Finalizers },

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	// The namespace controller takes its finalizer out of the spec when the namespace is empty.
	Gone: func(o *corev1.Namespace) bool { return len(o.Spec.Finalizers) == 0 },

	Fields: func(o *corev1.Namespace) fields.Set { return fields.Set{"status.phase": string(o.Status.Phase)} },

	Columns: columns,
	Row:     row,
}

// finalizeStrategy lets through nothing but the finalizers of the spec.
type finalizeStrategy struct{ stored.PartStrategy }

func (finalizeStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	obj.(*corev1.Namespace).Status = old.(*corev1.Namespace).Status
}

func (finalizeStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return rules.ValidateFinalizeUpdate(obj.(*corev1.Namespace), old.(*corev1.Namespace))
}

func (finalizeStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{"v1": fieldpath.NewSet(fieldpath.MakePathOrDie("status"))}
}
