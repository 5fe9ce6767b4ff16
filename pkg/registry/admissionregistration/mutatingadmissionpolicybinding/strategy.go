package mutatingadmissionpolicybinding

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/admissionregistration/mutatingadmissionpolicybinding"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*admissionregistrationv1.MutatingAdmissionPolicyBinding]{
	Group: "admissionregistration.k8s.io", Name: "mutatingadmissionpolicybindings", Singular: "mutatingadmissionpolicybinding",
	Categories: []string{"api-extensions"},

	AnyFinalizers: true,

	New: func() *admissionregistrationv1.MutatingAdmissionPolicyBinding {
		return &admissionregistrationv1.MutatingAdmissionPolicyBinding{}
	},
	NewList:    func() runtime.Object { return &admissionregistrationv1.MutatingAdmissionPolicyBindingList{} },
	Spec:       func(o *admissionregistrationv1.MutatingAdmissionPolicyBinding) any { return &o.Spec },
	Generation: true,

	ConditionalUpdate: true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of mutatingadmissionpolicybindings.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
