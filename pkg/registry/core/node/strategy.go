package node

import (
	"context"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/core/node"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.Node]{
	Group: "", Name: "nodes", Singular: "node",
	ShortNames: []string{"no"},

	New:     func() *corev1.Node { return &corev1.Node{} },
	NewList: func() runtime.Object { return &corev1.NodeList{} },
	Spec:    func(o *corev1.Node) any { return &o.Spec },
	Status:  func(o *corev1.Node) any { return &o.Status },
	// A kubelet registers its node with the status it has.
	CreateWithStatus: true,

	DropDisabled:           rules.DropDisabled,
	PrepareForStatusUpdate: func(_ context.Context, o, old *corev1.Node) { rules.DropDisabled(o, old) },

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	UpdateWarnings:       rules.UpdateWarnings,

	Fields: func(o *corev1.Node) fields.Set {
		return fields.Set{"spec.unschedulable": strconv.FormatBool(o.Spec.Unschedulable)}
	},

	Columns: columns,
	Row:     row,
}
