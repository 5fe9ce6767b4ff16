package limitrange

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/core/limitrange"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.LimitRange]{
	Group: "", Name: "limitranges", Singular: "limitrange",
	Namespaced: true,
	ShortNames: []string{"limits"},

	CreateOnUpdate: true,

	New:     func() *corev1.LimitRange { return &corev1.LimitRange{} },
	NewList: func() runtime.Object { return &corev1.LimitRangeList{} },

	// Nobody asks for a limit range by name, so it may come without.
	PrepareForCreate: func(_ context.Context, o *corev1.LimitRange) {
		if o.Name == "" {
			o.Name = string(uuid.NewUUID())
		}
	},

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,
}

// New makes the storage of limitranges.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
