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
	PrepareForCreate:    func(_ context.Context, o *resourcev1beta2.DeviceTaintRule) { stamp(&o.Spec.Taint, nil) },
	PrepareForUpdate: func(_ context.Context, o, old *resourcev1beta2.DeviceTaintRule) {
		stamp(&o.Spec.Taint, &old.Spec.Taint)
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

// stamp notes when the taint came, or its effect, where the writer does not say it. A time that was left as it is says nothing of a new effect.
func stamp(taint, old *resourcev1beta2.DeviceTaint) {
	if taint.TimeAdded != nil && (old == nil || taint.Effect == old.Effect || !taint.TimeAdded.Equal(old.TimeAdded)) {
		return
	}
	now := metav1.Now()
	taint.TimeAdded = &now
}
