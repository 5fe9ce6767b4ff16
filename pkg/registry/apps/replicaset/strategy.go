package replicaset

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/apps/replicaset"
	"tiphys.dev/apirules/core/podspec"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*appsv1.ReplicaSet]{
	Group: "apps", Name: "replicasets", Singular: "replicaset",
	Namespaced: true,
	ShortNames: []string{"rs"},
	Categories: []string{"all"},

	New:        func() *appsv1.ReplicaSet { return &appsv1.ReplicaSet{} },
	NewList:    func() runtime.Object { return &appsv1.ReplicaSetList{} },
	Spec:       func(o *appsv1.ReplicaSet) any { return &o.Spec },
	Status:     func(o *appsv1.ReplicaSet) any { return &o.Status },
	Generation: true,

	DropDisabled:         podspec.Dropper(func(o *appsv1.ReplicaSet) *corev1.PodSpec { return &o.Spec.Template.Spec }),
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	UpdateWarnings:       rules.UpdateWarnings,
	Fields: func(o *appsv1.ReplicaSet) fields.Set {
		return fields.Set{"status.replicas": strconv.Itoa(int(o.Status.Replicas))}
	},

	Columns: columns,
	Row:     row,
}
