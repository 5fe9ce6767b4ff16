package daemonset

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/apps/daemonset"
	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*appsv1.DaemonSet]{
	Group: "apps", Name: "daemonsets", Singular: "daemonset",
	Namespaced: true,
	ShortNames: []string{"ds"},
	Categories: []string{"all"},

	New:        func() *appsv1.DaemonSet { return &appsv1.DaemonSet{} },
	NewList:    func() runtime.Object { return &appsv1.DaemonSetList{} },
	Spec:       func(o *appsv1.DaemonSet) any { return &o.Spec },
	Status:     func(o *appsv1.DaemonSet) any { return &o.Status },
	Generation: true,

	DropDisabled:     podspec.Dropper(func(o *appsv1.DaemonSet) *corev1.PodSpec { return &o.Spec.Template.Spec }),
	PrepareForCreate: func(_ context.Context, o *appsv1.DaemonSet) { setTemplateGeneration(o, 1) },
	PrepareForUpdate: func(_ context.Context, o, old *appsv1.DaemonSet) {
		n := templateGeneration(old)
		if !check.Same(&o.Spec.Template, &old.Spec.Template) {
			n++
		}
		setTemplateGeneration(o, n)
	},
	PrepareForStatusUpdate: func(_ context.Context, o, old *appsv1.DaemonSet) { setTemplateGeneration(o, templateGeneration(old)) },

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	UpdateWarnings:       rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of daemonsets.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
