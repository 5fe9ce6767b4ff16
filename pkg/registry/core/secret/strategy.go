package secret

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/core/secret"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.Secret]{
	Group: "", Name: "secrets", Singular: "secret",
	Namespaced: true,

	New:     func() *corev1.Secret { return &corev1.Secret{} },
	NewList: func() runtime.Object { return &corev1.SecretList{} },

	PrepareForUpdate: func(_ context.Context, o, old *corev1.Secret) { rules.PrepareForUpdate(o, old) },

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
	Warnings:       rules.Warnings,
	UpdateWarnings: rules.UpdateWarnings,
	Fields: func(o *corev1.Secret) fields.Set {
		return fields.Set{"type": string(o.Type)}
	},

	Columns: columns,
	Row:     row,
}

// New makes the storage of secrets.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
