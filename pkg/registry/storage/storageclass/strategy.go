package storageclass

import (
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/storage/storageclass"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*storagev1.StorageClass]{
	Group: "storage.k8s.io", Name: "storageclasses", Singular: "storageclass",
	ShortNames: []string{"sc"},

	New:     func() *storagev1.StorageClass { return &storagev1.StorageClass{} },
	NewList: func() runtime.Object { return &storagev1.StorageClassList{} },

	DeletedObject:  true,
	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of storageclasses.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
