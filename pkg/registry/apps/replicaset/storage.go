package replicaset

import (
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/generic"

	"tiphys.dev/tiphys/pkg/registry/scale"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// New makes the storage of replicasets, their status and their scale.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, main, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	s["replicasets/scale"] = scale.New(main, scale.Workload[*appsv1.ReplicaSet]{
		GroupVersion: appsv1.SchemeGroupVersion, Resource: "replicasets",
		Replicas: func(o *appsv1.ReplicaSet) **int32 { return &o.Spec.Replicas },
		Current:  func(o *appsv1.ReplicaSet) int32 { return o.Status.Replicas },
		Selector: func(o *appsv1.ReplicaSet) (string, error) {
			selector, err := metav1.LabelSelectorAsSelector(o.Spec.Selector)
			if err != nil {
				return "", err
			}
			return selector.String(), nil
		},
	})
	return s, nil
}
