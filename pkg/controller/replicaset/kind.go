package replicaset

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	"k8s.io/client-go/tools/cache"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Object is what owner references and events need of a set.
type Object interface {
	metav1.Object
	runtime.Object
}

// Set is the view of one ReplicaSet or ReplicationController. It points into the cache: nothing in it may be changed.
type Set struct {
	Object          Object
	Replicas        int32
	MinReadySeconds int32
	Selector        labels.Selector
	Template        *v1.PodTemplateSpec
	// Status in ReplicaSet's type; a ReplicationController's has the same fields.
	Status appsv1.ReplicaSetStatus
}

// Kind is how the controller reaches one kind of set.
type Kind struct {
	GVK schema.GroupVersionKind
	// CountsTerminating is true when the status has the field terminatingReplicas.
	CountsTerminating bool
	// Watch connects the queue to the informer of this kind.
	Watch func(q *worker.Queue[worker.Key]) error
	// Get returns the set from the cache, or a NotFound error.
	Get func(namespace, name string) (*Set, error)
	// List returns the sets of a namespace from the cache.
	List func(namespace string) ([]*Set, error)
	// Fresh returns the object from the API server.
	Fresh func(ctx context.Context, namespace, name string) (metav1.Object, error)
	// UpdateStatus writes the status of a set that was read from the cache.
	UpdateStatus func(ctx context.Context, set *Set, status appsv1.ReplicaSetStatus) error
}

// GVK of ReplicaSet.
var GVK = appsv1.SchemeGroupVersion.WithKind("ReplicaSet")

// ReplicaSets is the Kind of apps/v1 ReplicaSet.
func ReplicaSets(client kubernetes.Interface, informer cache.SharedIndexInformer, lister appslisters.ReplicaSetLister) Kind {
	return Kind{
		GVK:               GVK,
		CountsTerminating: true,
		Watch: func(q *worker.Queue[worker.Key]) error {
			return worker.Watch(q, informer, worker.Self[*appsv1.ReplicaSet](q))
		},
		Get: func(namespace, name string) (*Set, error) {
			rs, err := lister.ReplicaSets(namespace).Get(name)
			if err != nil {
				return nil, err
			}
			return viewReplicaSet(rs)
		},
		List: func(namespace string) ([]*Set, error) {
			all, err := lister.ReplicaSets(namespace).List(labels.Everything())
			if err != nil {
				return nil, err
			}
			sets := make([]*Set, 0, len(all))
			for _, rs := range all {
				// A set with an unreadable selector selects nothing: it must not hide the others.
				if s, err := viewReplicaSet(rs); err == nil {
					sets = append(sets, s)
				}
			}
			return sets, nil
		},
		Fresh: func(ctx context.Context, namespace, name string) (metav1.Object, error) {
			return client.AppsV1().ReplicaSets(namespace).Get(ctx, name, metav1.GetOptions{})
		},
		UpdateStatus: func(ctx context.Context, set *Set, status appsv1.ReplicaSetStatus) error {
			rs := *set.Object.(*appsv1.ReplicaSet) // a shallow copy is enough: only the status is replaced
			rs.Status = status
			_, err := client.AppsV1().ReplicaSets(rs.Namespace).UpdateStatus(ctx, &rs, metav1.UpdateOptions{})
			return err
		},
	}
}

func viewReplicaSet(rs *appsv1.ReplicaSet) (*Set, error) {
	selector, err := metav1.LabelSelectorAsSelector(rs.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("selector of ReplicaSet %s/%s: %w", rs.Namespace, rs.Name, err)
	}
	s := &Set{Object: rs, Replicas: 1, MinReadySeconds: rs.Spec.MinReadySeconds, Selector: selector, Template: &rs.Spec.Template, Status: rs.Status}
	if rs.Spec.Replicas != nil {
		s.Replicas = *rs.Spec.Replicas
	}
	return s, nil
}
