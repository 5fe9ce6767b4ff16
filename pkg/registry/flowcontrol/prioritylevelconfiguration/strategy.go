package prioritylevelconfiguration

import (
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/flowcontrol/prioritylevelconfiguration"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*flowcontrolv1.PriorityLevelConfiguration]{
	Group: "flowcontrol.apiserver.k8s.io", Name: "prioritylevelconfigurations", Singular: "prioritylevelconfiguration",

	New:        func() *flowcontrolv1.PriorityLevelConfiguration { return &flowcontrolv1.PriorityLevelConfiguration{} },
	NewList:    func() runtime.Object { return &flowcontrolv1.PriorityLevelConfigurationList{} },
	Spec:       func(o *flowcontrolv1.PriorityLevelConfiguration) any { return &o.Spec },
	Status:     func(o *flowcontrolv1.PriorityLevelConfiguration) any { return &o.Status },
	Generation: true,

	StatusKeepsMetadata:  stored.Metadata,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of prioritylevelconfigurations.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
