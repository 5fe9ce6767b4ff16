package endpoints

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/core/endpoints"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.Endpoints]{
	Group: "", Name: "endpoints", Singular: "endpoints",
	Namespaced: true,
	ShortNames: []string{"ep"},

	CreateOnUpdate: true,

	New:     func() *corev1.Endpoints { return &corev1.Endpoints{} },
	NewList: func() runtime.Object { return &corev1.EndpointsList{} },

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
	Warnings:       rules.Warnings,
	UpdateWarnings: rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of endpoints.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
