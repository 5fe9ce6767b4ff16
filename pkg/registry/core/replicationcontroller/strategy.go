package replicationcontroller

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"tiphys.dev/apirules/core/podspec"
	rules "tiphys.dev/apirules/core/replicationcontroller"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.ReplicationController]{
	Group: "", Name: "replicationcontrollers", Singular: "replicationcontroller",
	Namespaced: true,
	ShortNames: []string{"rc"},
	Categories: []string{"all"},

	New:        func() *corev1.ReplicationController { return &corev1.ReplicationController{} },
	NewList:    func() runtime.Object { return &corev1.ReplicationControllerList{} },
	Spec:       func(o *corev1.ReplicationController) any { return &o.Spec },
	Status:     func(o *corev1.ReplicationController) any { return &o.Status },
	Generation: true,

	DropDisabled: podspec.Dropper(func(o *corev1.ReplicationController) *corev1.PodSpec {
		if o.Spec.Template == nil {
			return nil
		}
		return &o.Spec.Template.Spec
	}),
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	UpdateWarnings:       rules.UpdateWarnings,
	Collect:              rest.OrphanDependents,
	Fields: func(o *corev1.ReplicationController) fields.Set {
		return fields.Set{"status.replicas": strconv.Itoa(int(o.Status.Replicas))}
	},

	Columns: columns,
	Row:     row,
}
