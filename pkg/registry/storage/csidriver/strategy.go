package csidriver

import (
	"context"

	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	"tiphys.dev/apirules/check"
	rules "tiphys.dev/apirules/storage/csidriver"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*storagev1.CSIDriver]{
	Group: "storage.k8s.io", Name: "csidrivers", Singular: "csidriver",

	New:     func() *storagev1.CSIDriver { return &storagev1.CSIDriver{} },
	NewList: func() runtime.Object { return &storagev1.CSIDriverList{} },
	Spec:    func(o *storagev1.CSIDriver) any { return &o.Spec },

	ConditionalUpdate: true,
	DeletedObject:     true,
	// A driver starts without a generation; it counts changes of what kubelets act on.
	PrepareForUpdate: func(_ context.Context, o, old *storagev1.CSIDriver) {
		o.Generation = old.Generation
		if !check.Same(&o.Spec, &old.Spec) {
			o.Generation++
		}
	},
	PrepareForCreate: func(_ context.Context, o *storagev1.CSIDriver) { o.Generation = 0 },

	DropDisabled: rules.DropDisabled,

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
	Warnings:       rules.Warnings,
	UpdateWarnings: rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of csidrivers.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
