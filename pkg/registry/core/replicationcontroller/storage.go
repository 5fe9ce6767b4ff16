package replicationcontroller

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/registry/generic"

	"tiphys.dev/tiphys/pkg/registry/scale"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// New makes the storage of replicationcontrollers, their status and their scale.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, main, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	s["replicationcontrollers/scale"] = scale.New(main, scale.Workload[*corev1.ReplicationController]{
		GroupVersion: corev1.SchemeGroupVersion, Resource: "replicationcontrollers",
		Replicas: func(o *corev1.ReplicationController) **int32 { return &o.Spec.Replicas },
		Current:  func(o *corev1.ReplicationController) int32 { return o.Status.Replicas },
		Selector: func(o *corev1.ReplicationController) (string, error) {
			return labels.Set(o.Spec.Selector).AsSelector().String(), nil
		},
	})
	return s, nil
}
