package horizontalpodautoscaler

import (
	"context"
	"fmt"
	"slices"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Sync does one round for one autoscaler.
func (c *Controller) Sync(ctx context.Context, k worker.Key) error {
	shared, err := c.autoscalers.HorizontalPodAutoscalers(k.Namespace).Get(k.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	c.queue.EnqueueAfter(k, c.cfg.SyncPeriod)
	a := shared.DeepCopy()
	a.Status.ObservedGeneration = &a.Generation
	if err := c.round(ctx, k, a); err != nil {
		// Told in condition and event; the next round comes by the clock.
		klog.FromContext(ctx).V(2).Info("Round without a decision", "autoscaler", k, "reason", err)
	}
	if !equality.Semantic.DeepEqual(a.Status, shared.Status) {
		if _, err := c.cfg.Client.AutoscalingV2().HorizontalPodAutoscalers(k.Namespace).UpdateStatus(ctx, a, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("writing the status: %w", err)
		}
	}
	return nil
}

func (c *Controller) round(ctx context.Context, k worker.Key, a *autoscalingv2.HorizontalPodAutoscaler) error {
	ref := a.Spec.ScaleTargetRef
	scale, resource, err := c.cfg.Scales.Get(ctx, a.Namespace, ref.APIVersion, ref.Kind, ref.Name)
	if err != nil {
		c.cfg.Events.Event(a, v1.EventTypeWarning, "FailedGetScale", err.Error())
		c.condition(a, autoscalingv2.AbleToScale, v1.ConditionFalse, "FailedGetScale", "the HPA controller was unable to get the target's current scale: "+err.Error())
		return err
	}
	c.condition(a, autoscalingv2.AbleToScale, v1.ConditionTrue, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
	current := scale.Spec.Replicas
	least := int32(1)
	if a.Spec.MinReplicas != nil {
		least = *a.Spec.MinReplicas
	}
	want, reason := current, ""
	switch {
	case current == 0 && least != 0:
		c.condition(a, autoscalingv2.ScalingActive, v1.ConditionFalse, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
		want = 0
	case current > a.Spec.MaxReplicas:
		want, reason = a.Spec.MaxReplicas, "Current number of replicas above Spec.MaxReplicas"
	case current < least:
		want, reason = least, "Current number of replicas below Spec.MinReplicas"
	default:
		if want, reason, err = c.decide(ctx, k, a, scale, least); err != nil {
			a.Status.CurrentReplicas, a.Status.DesiredReplicas = current, max(a.Status.DesiredReplicas, 0)
			return err
		}
	}
	return c.apply(ctx, k, a, scale, resource, want, reason)
}

// decide measures and limits.
func (c *Controller) decide(ctx context.Context, k worker.Key, a *autoscalingv2.HorizontalPodAutoscaler, scale *autoscalingv1.Scale, least int32) (int32, string, error) {
	current := scale.Spec.Replicas
	fail := func(reason string, err error) (int32, string, error) {
		c.cfg.Events.Event(a, v1.EventTypeWarning, reason, err.Error())
		c.condition(a, autoscalingv2.ScalingActive, v1.ConditionFalse, reason, "the HPA was unable to compute the replica count: "+err.Error())
		return current, "", err
	}
	if scale.Status.Selector == "" {
		return fail("MissingSelector", fmt.Errorf("selector is required"))
	}
	selector, err := labels.Parse(scale.Status.Selector)
	if err != nil {
		return fail("InvalidSelector", fmt.Errorf("couldn't convert selector into a corresponding internal selector object: %w", err))
	}
	pods, err := c.pods.Pods(a.Namespace).List(selector)
	if err != nil {
		return current, "", err
	}
	best, statuses, failed := c.propose(ctx, target{namespace: a.Namespace, current: current, selector: selector, pods: pods, tolerance: c.tolerance(a)}, a.Spec.Metrics)
	a.Status.CurrentMetrics = statuses
	if failed != nil {
		// Without all values the target may be needed larger than known: never smaller.
		if best == nil || best.replicas < current {
			return fail(failed.reason, failed.error)
		}
		c.cfg.Events.Event(a, v1.EventTypeWarning, failed.reason, failed.Error())
	}
	if best == nil {
		return fail("InvalidMetricSourceType", fmt.Errorf("no metrics"))
	}
	c.condition(a, autoscalingv2.ScalingActive, v1.ConditionTrue, "ValidMetricFound", "the HPA was able to successfully calculate a replica count from "+best.about)
	out := limit(c.history(k), a.Spec.Behavior, c.cfg.DownscaleStabilization, current, best.replicas, least, a.Spec.MaxReplicas, c.cfg.Clock.Now())
	switch {
	case out.stabilized && best.replicas < current:
		c.condition(a, autoscalingv2.AbleToScale, v1.ConditionTrue, "ScaleDownStabilized", "recent recommendations were higher than current one, applying the highest recent recommendation")
	case out.stabilized:
		c.condition(a, autoscalingv2.AbleToScale, v1.ConditionTrue, "ScaleUpStabilized", "recent recommendations were lower than current one, applying the lowest recent recommendation")
	default:
		c.condition(a, autoscalingv2.AbleToScale, v1.ConditionTrue, "ReadyForNewScale", "recommended size matches current size")
	}
	status := v1.ConditionFalse
	if out.isLimited {
		status = v1.ConditionTrue
	}
	c.condition(a, autoscalingv2.ScalingLimited, status, out.reason, out.message)
	reason := best.about + " above target"
	if out.replicas < current {
		reason = "All metrics below target"
	}
	return out.replicas, reason, nil
}

// tolerance of the autoscaler, or the flag's.
func (c *Controller) tolerance(a *autoscalingv2.HorizontalPodAutoscaler) tolerance {
	t := tolerance{c.cfg.Tolerance, c.cfg.Tolerance}
	if b := a.Spec.Behavior; b != nil {
		if b.ScaleDown != nil && b.ScaleDown.Tolerance != nil {
			t.down = b.ScaleDown.Tolerance.AsApproximateFloat64()
		}
		if b.ScaleUp != nil && b.ScaleUp.Tolerance != nil {
			t.up = b.ScaleUp.Tolerance.AsApproximateFloat64()
		}
	}
	return t
}

func (c *Controller) apply(ctx context.Context, k worker.Key, a *autoscalingv2.HorizontalPodAutoscaler, scale *autoscalingv1.Scale, resource schema.GroupResource, want int32, reason string) error {
	current := scale.Spec.Replicas
	a.Status.CurrentReplicas, a.Status.DesiredReplicas = scale.Status.Replicas, want
	if want == current {
		return nil
	}
	scale.Spec.Replicas = want
	if err := c.cfg.Scales.Update(ctx, resource, scale); err != nil {
		a.Status.DesiredReplicas = current
		c.cfg.Events.Eventf(a, v1.EventTypeWarning, "FailedRescale", "New size: %d; reason: %s; error: %v", want, reason, err)
		c.condition(a, autoscalingv2.AbleToScale, v1.ConditionFalse, "FailedUpdateScale", "the HPA controller was unable to update the target scale: "+err.Error())
		return err
	}
	c.condition(a, autoscalingv2.AbleToScale, v1.ConditionTrue, "SucceededRescale", fmt.Sprintf("the HPA controller was able to update the target scale to %d", want))
	c.cfg.Events.Eventf(a, v1.EventTypeNormal, "SuccessfulRescale", "New size: %d; reason: %s", want, reason)
	now := c.cfg.Clock.Now()
	h := c.history(k)
	if want > current {
		h.ups = append(h.ups, event{want - current, now})
	} else {
		h.downs = append(h.downs, event{current - want, now})
	}
	at := metav1.NewTime(now)
	a.Status.LastScaleTime = &at
	return nil
}

func (c *Controller) condition(a *autoscalingv2.HorizontalPodAutoscaler, kind autoscalingv2.HorizontalPodAutoscalerConditionType, status v1.ConditionStatus, reason, message string) {
	i := slices.IndexFunc(a.Status.Conditions, func(x autoscalingv2.HorizontalPodAutoscalerCondition) bool { return x.Type == kind })
	if i < 0 {
		a.Status.Conditions = append(a.Status.Conditions, autoscalingv2.HorizontalPodAutoscalerCondition{Type: kind})
		i = len(a.Status.Conditions) - 1
	}
	have := &a.Status.Conditions[i]
	if have.Status != status {
		have.LastTransitionTime = metav1.NewTime(c.cfg.Clock.Now())
	}
	have.Status, have.Reason, have.Message = status, reason, message
}
