package mutatingwebhookconfiguration

import (
	"reflect"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/admissionregistration/mutatingwebhookconfiguration"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*admissionregistrationv1.MutatingWebhookConfiguration]{
	Group: "admissionregistration.k8s.io", Name: "mutatingwebhookconfigurations", Singular: "mutatingwebhookconfiguration",
	Categories: []string{"api-extensions"},

	AnyFinalizers: true,

	New: func() *admissionregistrationv1.MutatingWebhookConfiguration {
		return &admissionregistrationv1.MutatingWebhookConfiguration{}
	},
	NewList:    func() runtime.Object { return &admissionregistrationv1.MutatingWebhookConfigurationList{} },
	Spec:       func(o *admissionregistrationv1.MutatingWebhookConfiguration) any { return &o.Webhooks },
	Generation: true,
	// An empty list in place of none counts as a change here, as it does upstream.
	Changed: func(o, before *admissionregistrationv1.MutatingWebhookConfiguration) bool {
		return !reflect.DeepEqual(o.Webhooks, before.Webhooks)
	},

	ConditionalUpdate: true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of mutatingwebhookconfigurations.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
