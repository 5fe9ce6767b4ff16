package job

import (
	"context"

	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	rules "tiphys.dev/apirules/batch/job"
	"tiphys.dev/apirules/core/podspec"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*batchv1.Job]{
	Group: "batch", Name: "jobs", Singular: "job",
	Namespaced: true,
	Categories: []string{"all"},

	New:        func() *batchv1.Job { return &batchv1.Job{} },
	NewList:    func() runtime.Object { return &batchv1.JobList{} },
	Spec:       func(o *batchv1.Job) any { return &o.Spec },
	Status:     func(o *batchv1.Job) any { return &o.Status },
	Generation: true,

	DropDisabled: podspec.Dropper(func(o *batchv1.Job) *corev1.PodSpec { return &o.Spec.Template.Spec }),
	// The selector is made of the UID, which the object has by now.
	PrepareForCreate: func(_ context.Context, o *batchv1.Job) { rules.GenerateSelector(o) },

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	UpdateWarnings:       rules.UpdateWarnings,
	Collect:              rest.OrphanDependents,
	Fields: func(o *batchv1.Job) fields.Set {
		return fields.Set{"status.successful": strconv.Itoa(int(o.Status.Succeeded))}
	},

	Columns: columns,
	Row:     row,
}
