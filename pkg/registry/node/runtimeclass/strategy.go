package runtimeclass

import (
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/node/runtimeclass"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*nodev1.RuntimeClass]{
	Group: "node.k8s.io", Name: "runtimeclasses", Singular: "runtimeclass",

	AnyFinalizers: true,

	CreateOnUpdate: true,

	New:     func() *nodev1.RuntimeClass { return &nodev1.RuntimeClass{} },
	NewList: func() runtime.Object { return &nodev1.RuntimeClassList{} },

	ConditionalUpdate: true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,
	Warnings:          rules.Warnings,
	UpdateWarnings:    rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of runtimeclasses.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
