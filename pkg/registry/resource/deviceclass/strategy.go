package deviceclass

import (
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/resource/deviceclass"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*resourcev1.DeviceClass]{
	Group: "resource.k8s.io", Name: "deviceclasses", Singular: "deviceclass",

	New:        func() *resourcev1.DeviceClass { return &resourcev1.DeviceClass{} },
	NewList:    func() runtime.Object { return &resourcev1.DeviceClassList{} },
	Spec:       func(o *resourcev1.DeviceClass) any { return &o.Spec },
	Generation: true,

	DeletedObject:  true,
	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of deviceclasses.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
