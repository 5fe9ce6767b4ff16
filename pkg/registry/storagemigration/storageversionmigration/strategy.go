package storageversionmigration

import (
	storagemigrationv1beta1 "k8s.io/api/storagemigration/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/storagemigration/storageversionmigration"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*storagemigrationv1beta1.StorageVersionMigration]{
	Group: "storagemigration.k8s.io", Name: "storageversionmigrations", Singular: "storageversionmigration",

	New: func() *storagemigrationv1beta1.StorageVersionMigration {
		return &storagemigrationv1beta1.StorageVersionMigration{}
	},
	NewList: func() runtime.Object { return &storagemigrationv1beta1.StorageVersionMigrationList{} },
	Spec:    func(o *storagemigrationv1beta1.StorageVersionMigration) any { return &o.Spec },
	Status:  func(o *storagemigrationv1beta1.StorageVersionMigration) any { return &o.Status },

	ConditionalUpdate:    true,
	StatusKeepsMetadata:  stored.Metadata,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of storageversionmigrations.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
