package validatingwebhookconfiguration

import (
	"reflect"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/admissionregistration/validatingwebhookconfiguration"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*admissionregistrationv1.ValidatingWebhookConfiguration]{
	Group: "admissionregistration.k8s.io", Name: "validatingwebhookconfigurations", Singular: "validatingwebhookconfiguration",
	Categories: []string{"api-extensions"},

	AnyFinalizers: true,

	New: func() *admissionregistrationv1.ValidatingWebhookConfiguration {
		return &admissionregistrationv1.ValidatingWebhookConfiguration{}
	},
	NewList:    func() runtime.Object { return &admissionregistrationv1.ValidatingWebhookConfigurationList{} },
	Spec:       func(o *admissionregistrationv1.ValidatingWebhookConfiguration) any { return &o.Webhooks },
	Generation: true,
	// An empty list in place of none counts as a change here, as it does upstream.
	Changed: func(o, before *admissionregistrationv1.ValidatingWebhookConfiguration) bool {
		return !reflect.DeepEqual(o.Webhooks, before.Webhooks)
	},

	ConditionalUpdate: true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of validatingwebhookconfigurations.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
