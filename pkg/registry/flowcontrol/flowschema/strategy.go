package flowschema

import (
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/flowcontrol/flowschema"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*flowcontrolv1.FlowSchema]{
	Group: "flowcontrol.apiserver.k8s.io", Name: "flowschemas", Singular: "flowschema",

	New:        func() *flowcontrolv1.FlowSchema { return &flowcontrolv1.FlowSchema{} },
	NewList:    func() runtime.Object { return &flowcontrolv1.FlowSchemaList{} },
	Spec:       func(o *flowcontrolv1.FlowSchema) any { return &o.Spec },
	Status:     func(o *flowcontrolv1.FlowSchema) any { return &o.Status },
	Generation: true,

	StatusKeepsMetadata:  stored.Metadata,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of flowschemas.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
