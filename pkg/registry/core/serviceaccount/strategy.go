package serviceaccount

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/core/serviceaccount"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.ServiceAccount]{
	Group: "", Name: "serviceaccounts", Singular: "serviceaccount",
	Namespaced: true,
	ShortNames: []string{"sa"},

	New:     func() *corev1.ServiceAccount { return &corev1.ServiceAccount{} },
	NewList: func() runtime.Object { return &corev1.ServiceAccountList{} },

	PrepareForCreate: func(_ context.Context, o *corev1.ServiceAccount) { nameSecrets(o) },
	PrepareForUpdate: func(_ context.Context, o, _ *corev1.ServiceAccount) { nameSecrets(o) },

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
	Warnings:       rules.Warnings,
	UpdateWarnings: rules.UpdateWarnings,
	DeletedObject:  true,

	Columns: columns,
	Row:     row,
}

// nameSecrets keeps the names of the secrets that may be mounted, and nothing more.
func nameSecrets(o *corev1.ServiceAccount) {
	for i := range o.Secrets {
		o.Secrets[i] = corev1.ObjectReference{Name: o.Secrets[i].Name}
	}
}
