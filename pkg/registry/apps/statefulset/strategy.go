package statefulset

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/apps/statefulset"
	"tiphys.dev/apirules/core/podspec"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*appsv1.StatefulSet]{
	Group: "apps", Name: "statefulsets", Singular: "statefulset",
	Namespaced: true,
	ShortNames: []string{"sts"},
	Categories: []string{"all"},

	New:        func() *appsv1.StatefulSet { return &appsv1.StatefulSet{} },
	NewList:    func() runtime.Object { return &appsv1.StatefulSetList{} },
	Spec:       func(o *appsv1.StatefulSet) any { return &o.Spec },
	Status:     func(o *appsv1.StatefulSet) any { return &o.Status },
	Generation: true,

	DropDisabled: func(o, old *appsv1.StatefulSet) {
		dropFromTemplate(o, old)
		rules.DropDisabled(o, old)
	},
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	UpdateWarnings:       rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

var dropFromTemplate = podspec.Dropper(func(o *appsv1.StatefulSet) *corev1.PodSpec { return &o.Spec.Template.Spec })
