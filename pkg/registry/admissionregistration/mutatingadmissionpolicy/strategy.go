package mutatingadmissionpolicy

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/admissionregistration/mutatingadmissionpolicy"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*admissionregistrationv1.MutatingAdmissionPolicy]{
	Group: "admissionregistration.k8s.io", Name: "mutatingadmissionpolicies", Singular: "mutatingadmissionpolicy",
	Categories: []string{"api-extensions"},

	AnyFinalizers: true,

	New: func() *admissionregistrationv1.MutatingAdmissionPolicy {
		return &admissionregistrationv1.MutatingAdmissionPolicy{}
	},
	NewList:    func() runtime.Object { return &admissionregistrationv1.MutatingAdmissionPolicyList{} },
	Spec:       func(o *admissionregistrationv1.MutatingAdmissionPolicy) any { return &o.Spec },
	Generation: true,

	ConditionalUpdate: true,
	Validate:          rules.Validate,
	ValidateUpdate:    rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of mutatingadmissionpolicies.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
