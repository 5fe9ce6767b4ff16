package endpointslice

import (
	"context"

	discoveryv1 "k8s.io/api/discovery/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/discovery/endpointslice"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*discoveryv1.EndpointSlice]{
	Group: "discovery.k8s.io", Name: "endpointslices", Singular: "endpointslice",
	Namespaced: true,

	New:     func() *discoveryv1.EndpointSlice { return &discoveryv1.EndpointSlice{} },
	NewList: func() runtime.Object { return &discoveryv1.EndpointSliceList{} },
	Spec: func(o *discoveryv1.EndpointSlice) any {
		return []any{o.Labels, o.AddressType, o.Endpoints, o.Ports}
	},
	Generation: true, CountAsSent: true,

	// The topology of old releases is kept while the endpoints stay as they were, and not taken anew.
	PrepareForCreate: func(_ context.Context, o *discoveryv1.EndpointSlice) { dropTopology(o) },
	PrepareForUpdate: func(_ context.Context, o, old *discoveryv1.EndpointSlice) {
		if !apiequality.Semantic.DeepEqual(o.Endpoints, old.Endpoints) {
			dropTopology(o)
		}
	},

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
	Warnings:       rules.Warnings,
	UpdateWarnings: rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of endpointslices.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}

func dropTopology(o *discoveryv1.EndpointSlice) {
	for i := range o.Endpoints {
		o.Endpoints[i].DeprecatedTopology = nil
	}
}
