package deployment

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/apps/deployment"
	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*appsv1.Deployment]{
	Group: "apps", Name: "deployments", Singular: "deployment",
	Namespaced: true,
	ShortNames: []string{"deploy"},
	Categories: []string{"all"},

	New:        func() *appsv1.Deployment { return &appsv1.Deployment{} },
	NewList:    func() runtime.Object { return &appsv1.DeploymentList{} },
	Spec:       func(o *appsv1.Deployment) any { return &o.Spec },
	Status:     func(o *appsv1.Deployment) any { return &o.Status },
	Generation: true,
	// The controller copies annotations to its replica sets, so they count as part of what is wanted.
	Changed: func(o, old *appsv1.Deployment) bool {
		return !check.Same(&o.Spec, &old.Spec) || !check.Same(o.Annotations, old.Annotations)
	},

	StatusKeepsMetadata:  stored.Labels,
	DropDisabled:         podspec.Dropper(func(o *appsv1.Deployment) *corev1.PodSpec { return &o.Spec.Template.Spec }),
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	UpdateWarnings:       rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}
