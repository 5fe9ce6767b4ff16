package disruption

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	pdbhelper "k8s.io/component-helpers/apps/poddisruptionbudget"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// errUnmanaged says that pods of a budget have no controller to tell how many there should be.
var errUnmanaged = errors.New("found no controllers for pods")

// Sync computes the status of one budget.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	b, err := c.budgets.PodDisruptionBudgets(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	status, wait, err := c.status(ctx, b)
	if err != nil {
		return errors.Join(err, c.failSafe(ctx, b, err))
	}
	if wait > 0 {
		c.queue.EnqueueAfter(key, wait)
	}
	return c.write(ctx, b, status)
}

// failSafe forbids disruptions while the status cannot be computed.
func (c *Controller) failSafe(ctx context.Context, b *policyv1.PodDisruptionBudget, cause error) error {
	s := *b.Status.DeepCopy()
	s.DisruptionsAllowed, s.ObservedGeneration = 0, b.Generation
	meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse,
		Reason: policyv1.SyncFailedReason, Message: cause.Error(), ObservedGeneration: b.Generation})
	return c.write(ctx, b, s)
}

func (c *Controller) write(ctx context.Context, b *policyv1.PodDisruptionBudget, s policyv1.PodDisruptionBudgetStatus) error {
	updated := *b
	updated.Status = s
	if equality.Semantic.DeepEqual(s, b.Status) {
		return nil
	}
	_, err := c.client.PolicyV1().PodDisruptionBudgets(b.Namespace).UpdateStatus(ctx, &updated, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}

func (c *Controller) status(ctx context.Context, b *policyv1.PodDisruptionBudget) (policyv1.PodDisruptionBudgetStatus, time.Duration, error) {
	s := *b.Status.DeepCopy()
	selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	if err != nil {
		return s, 0, fmt.Errorf("selector: %w", err)
	}
	pods, err := c.pods.Pods(b.Namespace).List(selector)
	if err != nil {
		return s, 0, err
	}
	if len(pods) == 0 {
		c.events.Event(b, v1.EventTypeNormal, "NoPods", "No matching pods found")
	}
	expected, desired, err := c.expected(ctx, b, pods)
	if err != nil {
		return s, 0, err
	}
	now := c.clock.Now()
	disrupted, wait := c.disrupted(b, pods, now)
	healthy := int32(0)
	for _, p := range pods {
		if _, going := disrupted[p.Name]; !going && p.DeletionTimestamp == nil && podstate.IsReady(p) {
			healthy++
		}
	}
	s.CurrentHealthy, s.DesiredHealthy, s.ExpectedPods, s.ObservedGeneration = healthy, desired, expected, b.Generation
	s.DisruptionsAllowed = max(0, healthy-desired)
	if expected <= 0 {
		s.DisruptionsAllowed = 0
	}
	s.DisruptedPods = disrupted
	updated := *b
	updated.Status = s
	pdbhelper.UpdateDisruptionAllowedCondition(&updated)
	return updated.Status, wait, nil
}

// expected returns how many pods there should be, and how many of them must stay healthy.
func (c *Controller) expected(ctx context.Context, b *policyv1.PodDisruptionBudget, pods []*v1.Pod) (expected, desired int32, err error) {
	switch {
	case b.Spec.MaxUnavailable != nil:
		if expected, err = c.wanted(ctx, b.Namespace, pods); err != nil {
			return 0, 0, err
		}
		n, err := intstr.GetScaledValueFromIntOrPercent(b.Spec.MaxUnavailable, int(expected), true)
		return expected, max(0, expected-int32(n)), err
	case b.Spec.MinAvailable != nil && b.Spec.MinAvailable.Type == intstr.Int:
		return int32(len(pods)), b.Spec.MinAvailable.IntVal, nil
	case b.Spec.MinAvailable != nil:
		if expected, err = c.wanted(ctx, b.Namespace, pods); err != nil {
			return 0, 0, err
		}
		n, err := intstr.GetScaledValueFromIntOrPercent(b.Spec.MinAvailable, int(expected), true)
		return expected, int32(n), err
	}
	return int32(len(pods)), 0, nil
}

// wanted adds up the replicas of all controllers of the pods.
func (c *Controller) wanted(ctx context.Context, namespace string, pods []*v1.Pod) (int32, error) {
	scales := map[types.UID]int32{}
	owners := map[types.UID]bool{}
	for _, p := range pods {
		ref := metav1.GetControllerOfNoCopy(p)
		if ref == nil {
			continue // a bare pod is not counted: nobody would bring it back
		}
		if owners[ref.UID] {
			continue
		}
		owners[ref.UID] = true
		uid, n, ok, err := c.scaleOf(ctx, namespace, *ref)
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, fmt.Errorf("%w: %s %s of pod %s", errUnmanaged, ref.Kind, ref.Name, p.Name)
		}
		scales[uid] = n
	}
	var sum int32
	for _, n := range scales {
		sum += n
	}
	return sum, nil
}

func (c *Controller) scaleOf(ctx context.Context, namespace string, ref metav1.OwnerReference) (types.UID, int32, bool, error) {
	switch ref.APIVersion + "/" + ref.Kind {
	case "apps/v1/ReplicaSet":
		rs, err := c.replicaSets.ReplicaSets(namespace).Get(ref.Name)
		if err != nil || rs.UID != ref.UID {
			return "", 0, true, ignoreNotFound(err) // on its way out: it wants none
		}
		if up := metav1.GetControllerOfNoCopy(rs); up != nil && up.Kind == "Deployment" {
			if d, err := c.deployments.Deployments(namespace).Get(up.Name); err == nil && d.UID == up.UID {
				return d.UID, number(d.Spec.Replicas), true, nil
			}
		}
		return rs.UID, number(rs.Spec.Replicas), true, nil
	case "apps/v1/StatefulSet":
		s, err := c.statefulSets.StatefulSets(namespace).Get(ref.Name)
		if err != nil || s.UID != ref.UID {
			return "", 0, true, ignoreNotFound(err)
		}
		return s.UID, number(s.Spec.Replicas), true, nil
	case "v1/ReplicationController":
		rc, err := c.controllers.ReplicationControllers(namespace).Get(ref.Name)
		if err != nil || rc.UID != ref.UID {
			return "", 0, true, ignoreNotFound(err)
		}
		return rc.UID, number(rc.Spec.Replicas), true, nil
	}
	n, ok, err := c.scale(ctx, namespace, ref)
	return ref.UID, n, ok, err
}

func number(p *int32) int32 {
	if p == nil {
		return 1
	}
	return *p
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// disrupted keeps those evicted pods that have not gone yet, for a while, and says when to look again.
func (c *Controller) disrupted(b *policyv1.PodDisruptionBudget, pods []*v1.Pod, now time.Time) (map[string]metav1.Time, time.Duration) {
	left := maps.Clone(b.Status.DisruptedPods)
	var wait time.Duration
	present := map[string]*v1.Pod{}
	for _, p := range pods {
		present[p.Name] = p
	}
	for name, at := range b.Status.DisruptedPods {
		p, ok := present[name]
		end := at.Add(staleAfter)
		switch {
		case !ok || p.DeletionTimestamp != nil:
			delete(left, name)
		case !end.After(now):
			c.events.Event(p, v1.EventTypeWarning, "NotDeleted", "Pod was expected by PDB to be deleted but it wasn't")
			delete(left, name)
		default:
			if d := end.Sub(now); wait == 0 || d < wait {
				wait = d
			}
		}
	}
	if len(left) == 0 {
		left = nil
	}
	return left, wait
}

// announced returns since when the pod has been about to be disrupted without being deleted.
func announced(p *v1.Pod) (time.Time, bool) {
	c := podstate.Condition(p, v1.DisruptionTarget)
	if c == nil || c.Status != v1.ConditionTrue || p.DeletionTimestamp != nil || podstate.IsTerminal(p) {
		return time.Time{}, false
	}
	return c.LastTransitionTime.Time, true
}

// SyncStale withdraws the announcement of a disruption that did not happen.
func (c *Controller) SyncStale(ctx context.Context, key worker.Key) error {
	p, err := c.pods.Pods(key.Namespace).Get(key.Name)
	if err != nil {
		return ignoreNotFound(err)
	}
	since, ok := announced(p)
	if !ok {
		return nil
	}
	if left := staleAfter - c.clock.Since(since); left > 0 {
		c.stale.EnqueueAfter(key, left)
		return nil
	}
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": p.UID},
		"status": map[string]any{"conditions": []v1.PodCondition{{Type: v1.DisruptionTarget, Status: v1.ConditionFalse,
			LastTransitionTime: metav1.NewTime(c.clock.Now()), ObservedGeneration: p.Generation}}},
	})
	if err != nil {
		return err
	}
	_, err = c.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	return ignoreNotFound(err)
}
