package resourcequota

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/core/resourcequota"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*corev1.ResourceQuota]{
	Group: "", Name: "resourcequotas", Singular: "resourcequota",
	Namespaced: true,
	ShortNames: []string{"quota"},

	New:     func() *corev1.ResourceQuota { return &corev1.ResourceQuota{} },
	NewList: func() runtime.Object { return &corev1.ResourceQuotaList{} },
	Spec:    func(o *corev1.ResourceQuota) any { return &o.Spec },
	Status:  func(o *corev1.ResourceQuota) any { return &o.Status },

	DeletedObject:        true,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of resourcequotas.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
