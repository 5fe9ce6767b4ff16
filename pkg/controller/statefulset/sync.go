package statefulset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/controller/history"
	"tiphys.dev/tiphys/pkg/controller/ownership"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Sync takes one set one step further.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	set, err := c.sets.StatefulSets(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.expect.Forget(key)
		return nil
	}
	if err != nil {
		return err
	}
	settled := c.expect.Satisfied(key) // before listing; see Satisfied
	owner := history.Owner{Object: set, Selector: set.Spec.Selector, Template: &set.Spec.Template, Collisions: set.Status.CollisionCount}
	revisions, err := c.history.List(ctx, owner)
	if err != nil {
		return err
	}
	update := newest(revisions)
	if set.DeletionTimestamp == nil || update == nil {
		var collided bool
		update, collided, err = c.history.Current(ctx, owner, revisions)
		if podcontrol.IsTerminating(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if collided {
			return c.countCollision(ctx, set)
		}
	}
	current := update
	for _, r := range revisions {
		if r.Name == set.Status.CurrentRevision {
			current = r
		}
	}
	pods, err := c.claim(ctx, set)
	if err != nil {
		return err
	}
	w := &world{set: set, current: current.Name, update: update.Name, pods: map[int32]*v1.Pod{}, now: metav1.NewTime(c.clock.Now())}
	for _, p := range pods {
		w.pods[ordinalOf(set, p.Name)] = p
	}
	var actErr error
	if settled && set.DeletionTimestamp == nil {
		actErr = errors.Join(c.act(ctx, key, w, map[string]*appsv1.ControllerRevision{current.Name: current, update.Name: update}), c.retainClaims(ctx, w))
	}
	if podcontrol.IsTerminating(actErr) {
		return nil
	}
	if err := c.report(ctx, w); err != nil {
		return errors.Join(actErr, err)
	}
	return errors.Join(actErr, c.history.Truncate(ctx, revisions, set.Spec.RevisionHistoryLimit, func(r *appsv1.ControllerRevision) bool {
		used := r.Name == w.current || r.Name == w.update
		for _, p := range pods {
			used = used || revisionOf(p) == r.Name
		}
		return used
	}))
}

func newest(revisions []*appsv1.ControllerRevision) *appsv1.ControllerRevision {
	if len(revisions) == 0 {
		return nil
	}
	return revisions[len(revisions)-1]
}

func (c *Controller) countCollision(ctx context.Context, set *appsv1.StatefulSet) error {
	n := int32(1)
	if set.Status.CollisionCount != nil {
		n += *set.Status.CollisionCount
	}
	updated := *set
	updated.Status.CollisionCount = &n
	_, err := c.client.AppsV1().StatefulSets(set.Namespace).UpdateStatus(ctx, &updated, metav1.UpdateOptions{})
	return err
}

func (c *Controller) claim(ctx context.Context, set *appsv1.StatefulSet) ([]*v1.Pod, error) {
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("selector: %w", err)
	}
	candidates, err := c.pods.Candidates(set)
	if err != nil {
		return nil, err
	}
	return ownership.Claimer[*v1.Pod]{
		Owner: set, OwnerKind: GVK, Selector: selector,
		Match: func(p *v1.Pod) bool { return ordinalOf(set, p.Name) >= 0 },
		Fresh: func(ctx context.Context) (metav1.Object, error) { return c.fresh(ctx, set.Namespace, set.Name) },
		Patch: c.control.Patch,
	}.Claim(ctx, candidates)
}

func (c *Controller) act(ctx context.Context, key worker.Key, w *world, revisions map[string]*appsv1.ControllerRevision) error {
	p := w.decide()
	var errs []error
	for _, pod := range p.repair {
		body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID, "labels": identityLabels(nil, pod.Name, ordinalOf(w.set, pod.Name))}})
		errs = append(errs, err, c.control.Patch(ctx, pod, body))
	}
	_, err := podcontrol.SlowStart(len(p.create), func(i int) error {
		return c.create(ctx, key, w, p.create[i], revisions[w.revisionFor(p.create[i])])
	})
	var mu sync.Mutex
	errs = append(errs, podcontrol.Parallel(len(p.delete), func(i int) error {
		if err := c.control.Delete(ctx, p.delete[i], w.set); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		c.expect.Deleted(key, p.delete[i])
		return nil
	})...)
	return errors.Join(append(errs, err)...)
}

// create makes the claims of the ordinal and then its pod.
func (c *Controller) create(ctx context.Context, key worker.Key, w *world, ordinal int32, revision *appsv1.ControllerRevision) error {
	t, err := history.Template(revision)
	if err != nil {
		return err
	}
	for i := range w.set.Spec.VolumeClaimTemplates {
		if err := c.ensureClaim(ctx, w, i, ordinal); err != nil {
			return err
		}
	}
	pod, err := c.control.Create(ctx, newPod(w.set, t, ordinal, revision.Name), w.set)
	if apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("pod %s: %w", podName(w.set, ordinal), worker.ErrNotYet) // of somebody else, or still going
	}
	if err != nil {
		return err
	}
	c.expect.Created(key, pod)
	return nil
}

func (c *Controller) ensureClaim(ctx context.Context, w *world, template int, ordinal int32) error {
	set, name := w.set, claimName(w.set, template, ordinal)
	have, err := c.claims.PersistentVolumeClaims(set.Namespace).Get(name)
	if err == nil {
		if have.DeletionTimestamp != nil {
			return fmt.Errorf("claim %s is being deleted", name)
		}
		return nil
	}
	pvc := set.Spec.VolumeClaimTemplates[template].DeepCopy()
	pvc.Name, pvc.Namespace = name, set.Namespace
	if pvc.Labels == nil {
		pvc.Labels = map[string]string{}
	}
	for k, v := range set.Spec.Selector.MatchLabels {
		pvc.Labels[k] = v
	}
	if policy := set.Spec.PersistentVolumeClaimRetentionPolicy; policy != nil && policy.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
		pvc.OwnerReferences = append(pvc.OwnerReferences, *metav1.NewControllerRef(set, GVK))
	}
	_, err = c.client.CoreV1().PersistentVolumeClaims(set.Namespace).Create(ctx, pvc, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err != nil {
		c.events.Eventf(set, v1.EventTypeWarning, podcontrol.FailedCreate, "create Claim %s for Pod %s in StatefulSet %s failed error: %v", name, podName(set, ordinal), set.Name, err)
		return fmt.Errorf("creating claim %s: %w", name, err)
	}
	c.events.Eventf(set, v1.EventTypeNormal, podcontrol.SuccessfulCreate, "create Claim %s Pod %s in StatefulSet %s success", name, podName(set, ordinal), set.Name)
	return nil
}

func (c *Controller) report(ctx context.Context, w *world) error {
	s := w.status()
	if equality.Semantic.DeepEqual(s, w.set.Status) {
		return nil
	}
	set := *w.set
	set.Status = s
	if _, err := c.client.AppsV1().StatefulSets(set.Namespace).UpdateStatus(ctx, &set, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}
