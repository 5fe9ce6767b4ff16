package csistoragecapacity

import (
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/storage/csistoragecapacity"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*storagev1.CSIStorageCapacity]{
	Group: "storage.k8s.io", Name: "csistoragecapacities", Singular: "csistoragecapacity",
	Namespaced: true,

	New:     func() *storagev1.CSIStorageCapacity { return &storagev1.CSIStorageCapacity{} },
	NewList: func() runtime.Object { return &storagev1.CSIStorageCapacityList{} },

	ConditionalUpdate: true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,
}

// New makes the storage of csistoragecapacities.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
