package podcontrol

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

const (
	byController = "podControllerUID"
	byOrphanage  = "orphanNamespace"
	byNode       = "podNodeName"
)

var indexers = cache.Indexers{
	byController: func(o any) ([]string, error) {
		if p, ok := o.(*v1.Pod); ok {
			if ref := metav1.GetControllerOfNoCopy(p); ref != nil {
				return []string{string(ref.UID)}, nil
			}
		}
		return nil, nil
	},
	byOrphanage: func(o any) ([]string, error) {
		if p, ok := o.(*v1.Pod); ok && metav1.GetControllerOfNoCopy(p) == nil {
			return []string{p.Namespace}, nil
		}
		return nil, nil
	},
	byNode: func(o any) ([]string, error) {
		if p, ok := o.(*v1.Pod); ok && p.Spec.NodeName != "" {
			return []string{p.Spec.NodeName}, nil
		}
		return nil, nil
	},
}

// Index adds the indexes of this package to the pod informer, unless another controller has done so.
func Index(pods cache.SharedIndexInformer) (Pods, error) {
	add := func() (bool, error) {
		have := pods.GetIndexer().GetIndexers()
		missing := cache.Indexers{}
		for name, f := range indexers {
			if have[name] == nil {
				missing[name] = f
			}
		}
		if len(missing) == 0 {
			return true, nil
		}
		return false, pods.AddIndexers(missing)
	}
	if _, err := add(); err != nil {
		// Another controller may have added them in the same moment.
		if done, again := add(); !done && again != nil {
			return Pods{}, fmt.Errorf("indexing pods: %w", err)
		}
	}
	return Pods{pods.GetIndexer()}, nil
}

// Pods answers from an indexed pod cache.
type Pods struct{ indexer cache.Indexer }

// Of returns the pods controlled by the owner with that UID.
func (p Pods) Of(owner types.UID) ([]*v1.Pod, error) { return p.by(byController, string(owner)) }

// Orphans returns the pods of the namespace that have no controller.
func (p Pods) Orphans(namespace string) ([]*v1.Pod, error) { return p.by(byOrphanage, namespace) }

// On returns the pods bound to the node.
func (p Pods) On(node string) ([]*v1.Pod, error) { return p.by(byNode, node) }

// Candidates returns what the owner owns or may adopt: its pods and the orphans of its namespace.
func (p Pods) Candidates(owner metav1.Object) ([]*v1.Pod, error) {
	owned, err := p.Of(owner.GetUID())
	if err != nil {
		return nil, err
	}
	orphans, err := p.Orphans(owner.GetNamespace())
	return append(owned, orphans...), err
}

// Store is the cache behind, for NewExpectations.
func (p Pods) Store() cache.Store { return p.indexer }

func (p Pods) by(index, value string) ([]*v1.Pod, error) {
	items, err := p.indexer.ByIndex(index, value)
	if err != nil {
		return nil, fmt.Errorf("looking up pods: %w", err)
	}
	pods := make([]*v1.Pod, 0, len(items))
	for _, i := range items {
		if pod, ok := i.(*v1.Pod); ok {
			pods = append(pods, pod)
		}
	}
	return pods, nil
}
