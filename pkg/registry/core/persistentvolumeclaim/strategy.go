package persistentvolumeclaim

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/core/persistentvolumeclaim"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.PersistentVolumeClaim]{
	Group: "", Name: "persistentvolumeclaims", Singular: "persistentvolumeclaim",
	Namespaced: true,
	ShortNames: []string{"pvc"},

	New:     func() *corev1.PersistentVolumeClaim { return &corev1.PersistentVolumeClaim{} },
	NewList: func() runtime.Object { return &corev1.PersistentVolumeClaimList{} },
	Spec:    func(o *corev1.PersistentVolumeClaim) any { return &o.Spec },
	Status:  func(o *corev1.PersistentVolumeClaim) any { return &o.Status },

	DeletedObject:    true,
	StatusFinalizers: true,
	PrepareForCreate: func(_ context.Context, o *corev1.PersistentVolumeClaim) {
		o.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}
		rules.NormalizeDataSources(&o.Spec)
	},
	PrepareForUpdate: func(_ context.Context, o, old *corev1.PersistentVolumeClaim) {
		// Claims of old releases have one of the two sources only; they are read as if they had both.
		rules.NormalizeDataSources(&old.Spec)
		rules.NormalizeDataSources(&o.Spec)
	},
	Decorate: func(o *corev1.PersistentVolumeClaim) { rules.NormalizeDataSources(&o.Spec) },
	DropDisabled: func(o, old *corev1.PersistentVolumeClaim) {
		if old == nil {
			rules.DropDataSources(&o.Spec, nil)
			return
		}
		rules.DropDataSources(&o.Spec, &old.Spec)
	},

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	UpdateWarnings:       rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of persistentvolumeclaims.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
