package csinode

import (
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/storage/csinode"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*storagev1.CSINode]{
	Group: "storage.k8s.io", Name: "csinodes", Singular: "csinode",

	New:     func() *storagev1.CSINode { return &storagev1.CSINode{} },
	NewList: func() runtime.Object { return &storagev1.CSINodeList{} },

	ConditionalUpdate: true,
	DeletedObject:     true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of csinodes.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
