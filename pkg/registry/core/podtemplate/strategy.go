package podtemplate

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	"tiphys.dev/apirules/core/podspec"
	rules "tiphys.dev/apirules/core/podtemplate"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.PodTemplate]{
	Group: "", Name: "podtemplates", Singular: "podtemplate",
	Namespaced: true,

	New:        func() *corev1.PodTemplate { return &corev1.PodTemplate{} },
	NewList:    func() runtime.Object { return &corev1.PodTemplateList{} },
	Spec:       func(o *corev1.PodTemplate) any { return &o.Template },
	Generation: true,

	DeletedObject:  true,
	DropDisabled:   podspec.Dropper(func(o *corev1.PodTemplate) *corev1.PodSpec { return &o.Template.Spec }),
	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
	Warnings:       rules.Warnings,
	UpdateWarnings: rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of podtemplates.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
