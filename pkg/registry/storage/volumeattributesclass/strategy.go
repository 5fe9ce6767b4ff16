package volumeattributesclass

import (
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/storage/volumeattributesclass"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*storagev1.VolumeAttributesClass]{
	Group: "storage.k8s.io", Name: "volumeattributesclasses", Singular: "volumeattributesclass",
	ShortNames: []string{"vac"},

	New:     func() *storagev1.VolumeAttributesClass { return &storagev1.VolumeAttributesClass{} },
	NewList: func() runtime.Object { return &storagev1.VolumeAttributesClassList{} },

	DeletedObject:  true,
	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of volumeattributesclasses.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
