package persistentvolume

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/core/persistentvolume"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.PersistentVolume]{
	Group: "", Name: "persistentvolumes", Singular: "persistentvolume",
	ShortNames: []string{"pv"},

	New:     func() *corev1.PersistentVolume { return &corev1.PersistentVolume{} },
	NewList: func() runtime.Object { return &corev1.PersistentVolumeList{} },
	Spec:    func(o *corev1.PersistentVolume) any { return &o.Spec },
	Status:  func(o *corev1.PersistentVolume) any { return &o.Status },

	DeletedObject:    true,
	StatusFinalizers: true,
	PrepareForCreate: func(_ context.Context, o *corev1.PersistentVolume) {
		now := metav1.Now()
		o.Status = corev1.PersistentVolumeStatus{Phase: corev1.VolumePending, LastPhaseTransitionTime: &now}
	},
	PrepareForStatusUpdate: func(_ context.Context, o, old *corev1.PersistentVolume) {
		// The time follows the phase, unless the writer knows better.
		if o.Status.Phase != old.Status.Phase && (o.Status.LastPhaseTransitionTime == nil || o.Status.LastPhaseTransitionTime.Equal(old.Status.LastPhaseTransitionTime)) {
			now := metav1.Now()
			o.Status.LastPhaseTransitionTime = &now
		}
		if o.Status.Phase == old.Status.Phase && o.Status.LastPhaseTransitionTime == nil {
			o.Status.LastPhaseTransitionTime = old.Status.LastPhaseTransitionTime
		}
	},

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	UpdateWarnings:       rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of persistentvolumes.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
