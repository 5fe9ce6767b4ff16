package cronjob

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/batch/cronjob"
	"tiphys.dev/apirules/core/podspec"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*batchv1.CronJob]{
	Group: "batch", Name: "cronjobs", Singular: "cronjob",
	Namespaced: true,
	ShortNames: []string{"cj"},
	Categories: []string{"all"},

	New:        func() *batchv1.CronJob { return &batchv1.CronJob{} },
	NewList:    func() runtime.Object { return &batchv1.CronJobList{} },
	Spec:       func(o *batchv1.CronJob) any { return &o.Spec },
	Status:     func(o *batchv1.CronJob) any { return &o.Status },
	Generation: true,

	DropDisabled:   podspec.Dropper(func(o *batchv1.CronJob) *corev1.PodSpec { return &o.Spec.JobTemplate.Spec.Template.Spec }),
	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
	Warnings:       rules.Warnings,
	UpdateWarnings: rules.UpdateWarnings,

	Columns: columns,
	Row:     row,
}

// New makes the storage of cronjobs.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
