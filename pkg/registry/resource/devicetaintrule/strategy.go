package devicetaintrule

import (
	"context"

	resourcev1beta2 "k8s.io/api/resource/v1beta2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/resource/devicetaintrule"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*resourcev1beta2.DeviceTaintRule]{
	Group: "resource.k8s.io", Name: "devicetaintrules", Singular: "devicetaintrule",

	New:        func() *resourcev1beta2.DeviceTaintRule { return &resourcev1beta2.DeviceTaintRule{} },
	NewList:    func() runtime.Object { return &resourcev1beta2.DeviceTaintRuleList{} },
	Spec:       func(o *resourcev1beta2.DeviceTaintRule) any { return &o.Spec },
	Status:     func(o *resourcev1beta2.DeviceTaintRule) any { return &o.Status },
	Generation: true,

	DeletedObject:       true,
	StatusKeepsMetadata: stored.Metadata,
	PrepareForUpdate: func(_ context.Context, o, old *resourcev1beta2.DeviceTaintRule) {
		restamp(&o.Spec.Taint, &old.Spec.Taint)
	},

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of devicetaintrules.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}

// restamp notes when the taint has a new effect: a time that was left as it is says nothing of it. A taint without a time has got one when it was decoded
// (package scheme).
func restamp(taint, old *resourcev1beta2.DeviceTaint) {
	if taint.Effect != old.Effect && taint.TimeAdded.Equal(old.TimeAdded) {
		now := metav1.Now()
		taint.TimeAdded = &now
	}
}
