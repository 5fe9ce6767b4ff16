package controllerrevision

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/apps/controllerrevision"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*appsv1.ControllerRevision]{
	Group: "apps", Name: "controllerrevisions", Singular: "controllerrevision",
	Namespaced: true,

	New:     func() *appsv1.ControllerRevision { return &appsv1.ControllerRevision{} },
	NewList: func() runtime.Object { return &appsv1.ControllerRevisionList{} },

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of controllerrevisions.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
