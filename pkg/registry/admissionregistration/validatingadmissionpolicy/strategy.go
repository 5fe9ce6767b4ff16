package validatingadmissionpolicy

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/admissionregistration/validatingadmissionpolicy"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*admissionregistrationv1.ValidatingAdmissionPolicy]{
	Group: "admissionregistration.k8s.io", Name: "validatingadmissionpolicies", Singular: "validatingadmissionpolicy",
	Categories: []string{"api-extensions"},

	AnyFinalizers: true,

	New: func() *admissionregistrationv1.ValidatingAdmissionPolicy {
		return &admissionregistrationv1.ValidatingAdmissionPolicy{}
	},
	NewList:    func() runtime.Object { return &admissionregistrationv1.ValidatingAdmissionPolicyList{} },
	Spec:       func(o *admissionregistrationv1.ValidatingAdmissionPolicy) any { return &o.Spec },
	Status:     func(o *admissionregistrationv1.ValidatingAdmissionPolicy) any { return &o.Status },
	Generation: true,

	ConditionalUpdate:    true,
	StatusKeepsMetadata:  stored.Metadata,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of validatingadmissionpolicies.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
