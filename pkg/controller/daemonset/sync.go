package daemonset

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/history"
	"tiphys.dev/tiphys/pkg/controller/ownership"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// burst bounds the pods created or deleted in one sync.
const burst = 250

// failedPodWait slows down the replacement of pods that fail again and again.
const failedPodWait = time.Second

// Sync brings one set to one pod on each of its nodes.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	ds, err := c.sets.DaemonSets(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.expect.Forget(key)
		return nil
	}
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(ds.Spec.Selector)
	if err != nil {
		return fmt.Errorf("selector: %w", err)
	}
	if selector.Empty() {
		c.events.Event(ds, v1.EventTypeWarning, "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.")
		return nil
	}
	if ds.DeletionTimestamp != nil {
		return nil
	}
	settled := c.expect.Satisfied(key) // before listing; see Satisfied
	owner := history.Owner{Object: ds, Selector: ds.Spec.Selector, Template: &ds.Spec.Template, Collisions: ds.Status.CollisionCount}
	revisions, err := c.history.List(ctx, owner)
	if err != nil {
		return err
	}
	current, collided, err := c.history.Current(ctx, owner, revisions)
	if podcontrol.IsTerminating(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if collided {
		return c.countCollision(ctx, ds)
	}
	w, err := c.look(ctx, ds, selector, history.Hash(current))
	if err != nil {
		return err
	}
	var actErr error
	if settled {
		actErr = c.act(ctx, key, w)
	}
	if err := c.report(ctx, w); err != nil {
		return errors.Join(actErr, err)
	}
	return errors.Join(actErr, c.history.Truncate(ctx, revisions, ds.Spec.RevisionHistoryLimit, func(r *appsv1.ControllerRevision) bool {
		return r.Name == current.Name || w.uses(history.Hash(r))
	}))
}

func (c *Controller) countCollision(ctx context.Context, ds *appsv1.DaemonSet) error {
	n := int32(1)
	if ds.Status.CollisionCount != nil {
		n += *ds.Status.CollisionCount
	}
	updated := *ds
	updated.Status.CollisionCount = &n
	_, err := c.client.AppsV1().DaemonSets(ds.Namespace).UpdateStatus(ctx, &updated, metav1.UpdateOptions{})
	return err
}

func (c *Controller) look(ctx context.Context, ds *appsv1.DaemonSet, selector labels.Selector, hash string) (*world, error) {
	nodes, err := c.nodes.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	candidates, err := c.pods.Candidates(ds)
	if err != nil {
		return nil, err
	}
	pods, err := ownership.Claimer[*v1.Pod]{
		Owner: ds, OwnerKind: GVK, Selector: selector,
		Fresh: func(ctx context.Context) (metav1.Object, error) { return c.fresh(ctx, ds.Namespace, ds.Name) },
		Patch: c.control.Patch,
	}.Claim(ctx, candidates)
	if err != nil {
		return nil, err
	}
	w := &world{ds: ds, nodes: nodes, places: map[string]placement{}, byNode: map[string][]*v1.Pod{}, hash: hash, now: metav1.NewTime(c.clock.Now())}
	t := template(ds)
	for _, n := range nodes {
		w.places[n.Name] = place(t, n)
	}
	for _, p := range pods {
		w.byNode[nodeOf(p)] = append(w.byNode[nodeOf(p)], p)
	}
	return w, nil
}

func (w *world) uses(hash string) bool {
	for _, pods := range w.byNode {
		for _, p := range pods {
			if p.Labels[appsv1.ControllerRevisionHashLabelKey] == hash {
				return true
			}
		}
	}
	return false
}

func (c *Controller) act(ctx context.Context, key worker.Key, w *world) error {
	p := w.decide()
	for _, pod := range p.failed {
		if age := c.clock.Since(pod.CreationTimestamp.Time); age < failedPodWait {
			c.queue.EnqueueAfter(key, failedPodWait-age)
			return nil
		}
		c.events.Eventf(w.ds, v1.EventTypeWarning, "FailedDaemonPod", "Found failed daemon pod %s/%s on node %s, will try to kill it", pod.Namespace, pod.Name, nodeOf(pod))
	}
	nodes := p.create[:min(len(p.create), burst)]
	t, ref := template(w.ds), metav1.NewControllerRef(w.ds, GVK)
	_, createErr := podcontrol.SlowStart(len(nodes), func(i int) error {
		pod := podcontrol.FromTemplate(t, w.ds, ref)
		if pod.Labels == nil {
			pod.Labels = map[string]string{}
		}
		pod.Labels[appsv1.ControllerRevisionHashLabelKey] = w.hash
		if generation := w.ds.Annotations[appsv1.DeprecatedTemplateGeneration]; generation != "" {
			pod.Labels["pod-template-generation"] = generation
		}
		bind(&pod.Spec, nodes[i])
		created, err := c.control.Create(ctx, pod, w.ds)
		if podcontrol.IsTerminating(err) {
			return nil
		}
		if err == nil {
			c.expect.Created(key, created)
		}
		return err
	})
	victims := p.delete[:min(len(p.delete), burst)]
	var mu sync.Mutex
	errs := podcontrol.Parallel(len(victims), func(i int) error {
		if err := c.control.Delete(ctx, victims[i], w.ds); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		c.expect.Deleted(key, victims[i])
		return nil
	})
	return errors.Join(append(errs, createErr)...)
}

func (c *Controller) report(ctx context.Context, w *world) error {
	s := w.status()
	if equality.Semantic.DeepEqual(s, w.ds.Status) {
		return nil
	}
	ds := *w.ds
	ds.Status = s
	if _, err := c.client.AppsV1().DaemonSets(ds.Namespace).UpdateStatus(ctx, &ds, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}

func (w *world) status() appsv1.DaemonSetStatus {
	s := appsv1.DaemonSetStatus{ObservedGeneration: w.ds.Generation, CollisionCount: w.ds.Status.CollisionCount, Conditions: w.ds.Status.Conditions,
		DesiredNumberScheduled: int32(w.desired())}
	for node, at := range w.places {
		pods := live(w.byNode[node])
		switch {
		case !at.run && len(pods) > 0:
			s.NumberMisscheduled++
		case at.run && len(pods) > 0:
			s.CurrentNumberScheduled++
			ready, available, updated := false, false, false
			for _, p := range pods {
				ready = ready || podstate.IsReady(p)
				available = available || podstate.IsAvailable(p, w.ds.Spec.MinReadySeconds, w.now)
				updated = updated || w.isCurrent(p)
			}
			s.NumberReady += one(ready)
			s.NumberAvailable += one(available)
			s.UpdatedNumberScheduled += one(updated)
		}
	}
	s.NumberUnavailable = s.DesiredNumberScheduled - s.NumberAvailable
	return s
}

func one(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
