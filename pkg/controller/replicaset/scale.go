package replicaset

import (
	"context"
	"errors"
	"fmt"
	"sync"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// scale creates or deletes pods until the wanted number is on its way.
func (c *Controller) scale(ctx context.Context, key worker.Key, set *Set, active []*v1.Pod) error {
	switch diff := int(set.Replicas) - len(active); {
	case diff > 0:
		return c.create(ctx, key, set, min(diff, BurstReplicas))
	case diff < 0:
		return c.delete(ctx, key, set, active, min(-diff, BurstReplicas))
	}
	return nil
}

func (c *Controller) create(ctx context.Context, key worker.Key, set *Set, n int) error {
	klog.FromContext(ctx).V(2).Info("Too few replicas", "set", key, "want", set.Replicas, "creating", n)
	ref := metav1.NewControllerRef(set.Object, c.kind.GVK)
	done, err := podcontrol.SlowStart(n, func(int) error {
		pod, err := c.control.Create(ctx, podcontrol.FromTemplate(set.Template, set.Object, ref), set.Object)
		if podcontrol.IsTerminating(err) {
			return nil // nothing can be created there any more, and the set goes soon too
		}
		if err != nil {
			return err
		}
		c.expect.Created(key, pod)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%d of %d pods created: %w", done, n, err)
	}
	return nil
}

func (c *Controller) delete(ctx context.Context, key worker.Key, set *Set, active []*v1.Pod, n int) error {
	klog.FromContext(ctx).V(2).Info("Too many replicas", "set", key, "want", set.Replicas, "deleting", n)
	related, err := c.related(set)
	if err != nil {
		return err
	}
	victims := podcontrol.LowestRanked(active, related, n, c.clock.Now())
	var mu sync.Mutex
	errs := podcontrol.Parallel(len(victims), func(i int) error {
		if err := c.control.Delete(ctx, victims[i], set.Object); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		c.expect.Deleted(key, victims[i])
		return nil
	})
	return errors.Join(errs...)
}

// related returns, by node, the active pods of all sets that have the same controller as this one (the old and new
// ReplicaSets of one Deployment): scaling down spreads what stays over nodes, counting all of them.
func (c *Controller) related(set *Set) (map[string]int, error) {
	uids := map[types.UID]bool{set.Object.GetUID(): true}
	if ref := metav1.GetControllerOfNoCopy(set.Object); ref != nil {
		sets, err := c.kind.List(set.Object.GetNamespace())
		if err != nil {
			return nil, err
		}
		for _, s := range sets {
			if other := metav1.GetControllerOfNoCopy(s.Object); other != nil && other.UID == ref.UID {
				uids[s.Object.GetUID()] = true
			}
		}
	}
	perNode := map[string]int{}
	for uid := range uids {
		pods, err := c.pods.Of(uid)
		if err != nil {
			return nil, err
		}
		for _, p := range pods {
			if podstate.IsActive(p) && p.Spec.NodeName != "" {
				perNode[p.Spec.NodeName]++
			}
		}
	}
	return perNode, nil
}
