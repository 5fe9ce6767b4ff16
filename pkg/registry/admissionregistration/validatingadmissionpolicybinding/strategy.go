package validatingadmissionpolicybinding

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/admissionregistration/validatingadmissionpolicybinding"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*admissionregistrationv1.ValidatingAdmissionPolicyBinding]{
	Group: "admissionregistration.k8s.io", Name: "validatingadmissionpolicybindings", Singular: "validatingadmissionpolicybinding",
	Categories: []string{"api-extensions"},

	AnyFinalizers: true,

	New: func() *admissionregistrationv1.ValidatingAdmissionPolicyBinding {
		return &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}
	},
	NewList:    func() runtime.Object { return &admissionregistrationv1.ValidatingAdmissionPolicyBindingList{} },
	Spec:       func(o *admissionregistrationv1.ValidatingAdmissionPolicyBinding) any { return &o.Spec },
	Generation: true,

	ConditionalUpdate: true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of validatingadmissionpolicybindings.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
