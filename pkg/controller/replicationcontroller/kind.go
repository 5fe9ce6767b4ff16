package replicationcontroller

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"tiphys.dev/tiphys/pkg/controller/replicaset"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// GVK of ReplicationController.
var GVK = v1.SchemeGroupVersion.WithKind("ReplicationController")

// Kind lets package replicaset work on ReplicationControllers.
func Kind(client kubernetes.Interface, informer cache.SharedIndexInformer, lister corelisters.ReplicationControllerLister) replicaset.Kind {
	return replicaset.Kind{
		GVK: GVK,
		Watch: func(q *worker.Queue[worker.Key]) error {
			return worker.Watch(q, informer, worker.Self[*v1.ReplicationController](q))
		},
		Get: func(namespace, name string) (*replicaset.Set, error) {
			rc, err := lister.ReplicationControllers(namespace).Get(name)
			if err != nil {
				return nil, err
			}
			return view(rc), nil
		},
		List: func(namespace string) ([]*replicaset.Set, error) {
			all, err := lister.ReplicationControllers(namespace).List(labels.Everything())
			if err != nil {
				return nil, err
			}
			sets := make([]*replicaset.Set, len(all))
			for i, rc := range all {
				sets[i] = view(rc)
			}
			return sets, nil
		},
		Fresh: func(ctx context.Context, namespace, name string) (metav1.Object, error) {
			return client.CoreV1().ReplicationControllers(namespace).Get(ctx, name, metav1.GetOptions{})
		},
		UpdateStatus: func(ctx context.Context, set *replicaset.Set, status appsv1.ReplicaSetStatus) error {
			rc := *set.Object.(*v1.ReplicationController)
			rc.Status = fromReplicaSet(status)
			_, err := client.CoreV1().ReplicationControllers(rc.Namespace).UpdateStatus(ctx, &rc, metav1.UpdateOptions{})
			return err
		},
	}
}

func view(rc *v1.ReplicationController) *replicaset.Set {
	s := &replicaset.Set{
		Object: rc, Replicas: 1, MinReadySeconds: rc.Spec.MinReadySeconds,
		Selector: labels.SelectorFromSet(rc.Spec.Selector), Template: rc.Spec.Template, Status: toReplicaSet(rc.Status),
	}
	if len(rc.Spec.Selector) == 0 {
		s.Selector = labels.Nothing() // SelectorFromSet would select everything
	}
	if rc.Spec.Replicas != nil {
		s.Replicas = *rc.Spec.Replicas
	}
	if s.Template == nil {
		s.Template = &v1.PodTemplateSpec{}
	}
	return s
}

func toReplicaSet(in v1.ReplicationControllerStatus) appsv1.ReplicaSetStatus {
	out := appsv1.ReplicaSetStatus{
		Replicas: in.Replicas, FullyLabeledReplicas: in.FullyLabeledReplicas, ReadyReplicas: in.ReadyReplicas,
		AvailableReplicas: in.AvailableReplicas, ObservedGeneration: in.ObservedGeneration,
	}
	for _, c := range in.Conditions {
		out.Conditions = append(out.Conditions, appsv1.ReplicaSetCondition{
			Type: appsv1.ReplicaSetConditionType(c.Type), Status: c.Status, LastTransitionTime: c.LastTransitionTime, Reason: c.Reason, Message: c.Message,
		})
	}
	return out
}

func fromReplicaSet(in appsv1.ReplicaSetStatus) v1.ReplicationControllerStatus {
	out := v1.ReplicationControllerStatus{
		Replicas: in.Replicas, FullyLabeledReplicas: in.FullyLabeledReplicas, ReadyReplicas: in.ReadyReplicas,
		AvailableReplicas: in.AvailableReplicas, ObservedGeneration: in.ObservedGeneration,
	}
	for _, c := range in.Conditions {
		out.Conditions = append(out.Conditions, v1.ReplicationControllerCondition{
			Type: v1.ReplicationControllerConditionType(c.Type), Status: c.Status, LastTransitionTime: c.LastTransitionTime, Reason: c.Reason, Message: c.Message,
		})
	}
	return out
}
