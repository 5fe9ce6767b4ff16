package resourceslice

import (
	"context"

	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/resource/resourceslice"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*resourcev1.ResourceSlice]{
	Group: "resource.k8s.io", Name: "resourceslices", Singular: "resourceslice",

	New:        func() *resourcev1.ResourceSlice { return &resourcev1.ResourceSlice{} },
	NewList:    func() runtime.Object { return &resourcev1.ResourceSliceList{} },
	Spec:       func(o *resourcev1.ResourceSlice) any { return &o.Spec },
	Generation: true, CountAsSent: true,

	DeletedObject: true,
	DropDisabled: func(o, _ *resourcev1.ResourceSlice) {
		// The gate DRANodeAllocatableResources is off.
		for i := range o.Spec.Devices {
			o.Spec.Devices[i].NodeAllocatableResourceMappings = nil
		}
	},
	PrepareForCreate: func(_ context.Context, o *resourcev1.ResourceSlice) { stampTaints(o) },
	PrepareForUpdate: func(_ context.Context, o, _ *resourcev1.ResourceSlice) { stampTaints(o) },

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
	Fields: func(o *resourcev1.ResourceSlice) fields.Set {
		return fields.Set{"spec.nodeName": nodeName(o), "spec.driver": o.Spec.Driver}
	},

	Columns: columns,
	Row:     row,
}

// New makes the storage of resourceslices.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}

// stampTaints notes when taints came that do not say so themselves.
func stampTaints(o *resourcev1.ResourceSlice) {
	now := metav1.Now()
	for i := range o.Spec.Devices {
		for j := range o.Spec.Devices[i].Taints {
			if t := &o.Spec.Devices[i].Taints[j]; t.TimeAdded == nil {
				t.TimeAdded = &now
			}
		}
	}
}
