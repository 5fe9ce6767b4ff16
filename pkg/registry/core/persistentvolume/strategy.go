package persistentvolume

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/core/persistentvolume"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.PersistentVolume]{
	Group: "", Name: "persistentvolumes", Singular: "persistentvolume", Versions: []string{"v1"},
	ShortNames: []string{"pv"},

	New:     func() *corev1.PersistentVolume { return &corev1.PersistentVolume{} },
	NewList: func() runtime.Object { return &corev1.PersistentVolumeList{} },
	Spec:    func(o *corev1.PersistentVolume) any { return &o.Spec },
	Status:  func(o *corev1.PersistentVolume) any { return &o.Status },

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
