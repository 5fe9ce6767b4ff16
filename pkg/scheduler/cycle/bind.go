package cycle

import (
	"context"
	"fmt"
	"strconv"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/metrics"
	"tiphys.dev/tiphys/pkg/scheduler/queue"
)

// place counts the pod on its node and starts binding.
func (c *Cycle) place(ctx context.Context, a *attempt, node string) {
	// The pod of the informer is shared with everybody; ours differs in its node only.
	assumed := *a.object()
	assumed.Spec.NodeName = node
	pod := &assumed
	if err := c.cfg.Cache.AssumePod(a.pod.Pod.WithPod(pod)); err != nil {
		c.fail(ctx, a, failureOf(fwk.AsStatus(err)))
		return
	}
	c.cfg.Nominator.DeleteNominatedPodIfExists(pod)
	if status := a.profile.RunReserve(ctx, a.state, pod, node); !status.IsSuccess() {
		c.undo(ctx, a, pod, node, c.refusedOn(node, status))
		return
	}
	permit := a.profile.RunPermit(ctx, a.state, pod, node)
	if !permit.IsSuccess() && !permit.IsWait() {
		c.undo(ctx, a, pod, node, c.refusedOn(node, permit))
		return
	}
	preBind := a.profile.RunPreBindPreFlight(ctx, a.state, pod, node)
	if preBind.IsError() {
		c.undo(ctx, a, pod, node, failureOf(preBind))
		return
	}
	c.cfg.Metrics.Goroutines.WithLabelValues(metricBinding).Inc()
	c.binding.Go(func() {
		defer c.cfg.Metrics.Goroutines.WithLabelValues(metricBinding).Dec()
		c.carryOut(ctx, a, pod, node, permit.IsWait() || !preBind.IsSkip())
	})
}

const metricBinding = "binding"

// refusedOn words a refusal by Reserve or Permit like one by Filter, because that is what it is to the user.
func (c *Cycle) refusedOn(node string, status *fwk.Status) failure {
	f := failureOf(status)
	if status.IsRejected() {

		f.message = fmt.Sprintf("0/1 nodes are available: 1 %s.", status.Message())
	}
	return f
}

// carryOut waits, prepares and binds; it runs beside the next decisions.
func (c *Cycle) carryOut(ctx context.Context, a *attempt, pod *v1.Pod, node string, slow bool) {
	if slow {
		// Others should see where the pod is going to be while volumes and devices are made ready for it.
		c.cfg.WriteStatus(pod, nil, &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: node})
	}
	if status := c.prepare(ctx, a, pod, node, slow); !status.IsSuccess() {
		c.undo(ctx, a, pod, node, failureOf(status))
		return
	}
	if status := c.bind(ctx, a, pod, node); !status.IsSuccess() {
		c.undo(ctx, a, pod, node, failureOf(status))
		return
	}
	c.cfg.Queue.Done(pod.UID)
	c.bound(ctx, a, pod, node)
}

func (c *Cycle) prepare(ctx context.Context, a *attempt, pod *v1.Pod, node string, slow bool) *fwk.Status {
	if !slow {
		return nil
	}
	if status := a.profile.WaitOnPermit(ctx, pod); !status.IsSuccess() {
		return status
	}
	if len(a.state.GetSkipPreBindPlugins()) == a.profile.PreBindCount() {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.profile.AddPodInPreBind(pod.UID, cancel)
	defer a.profile.RemovePodInPreBind(pod.UID)
	if status := a.profile.RunPreBind(ctx, a.state, pod, node); !status.IsSuccess() {
		return status
	}
	if held := a.profile.GetPodInPreBind(pod.UID); held != nil && !held.MarkPrebound() {
		return fwk.AsStatus(context.Cause(ctx))
	}
	return nil
}

func (c *Cycle) bind(ctx context.Context, a *attempt, pod *v1.Pod, node string) *fwk.Status {
	for _, extender := range c.cfg.Extenders {
		if !extender.IsBinder() || !extender.IsInterested(pod) {
			continue
		}
		binding := &v1.Binding{Target: v1.ObjectReference{Kind: "Node", Name: node}}
		binding.Namespace, binding.Name, binding.UID = pod.Namespace, pod.Name, pod.UID
		if err := extender.Bind(binding); err != nil {
			if extender.IsIgnorable() {
				continue
			}
			return fwk.AsStatus(fmt.Errorf("binding by extender %s: %w", extender.Name(), err))
		}
		return nil
	}
	return a.profile.RunBind(ctx, a.state, pod, node)
}

func (c *Cycle) bound(ctx context.Context, a *attempt, pod *v1.Pod, node string) {
	c.cfg.Logger.V(2).Info("Successfully bound pod to node", "pod", klog.KObj(pod), "node", node)
	c.cfg.Metrics.Attempt(metrics.ResultScheduled, a.profile.ProfileName(), c.cfg.Clock.Since(a.start))
	c.cfg.Metrics.PodAttempts.Observe(float64(a.pod.Attempts))
	if a.pod.InitialAttempt != nil {
		c.cfg.Metrics.SLIDuration.WithLabelValues(attemptsLabel(a.pod)).Observe(c.cfg.Clock.Since(*a.pod.InitialAttempt).Seconds())
	}
	a.profile.RunPostBind(ctx, a.state, pod, node)
	a.profile.EventRecorder().Eventf(pod, nil, v1.EventTypeNormal, "Scheduled", "Binding", "Successfully assigned %v/%v to %v", pod.Namespace, pod.Name, node)
}

// attemptsLabel keeps the number of label values small.
func attemptsLabel(pod *queue.PodInfo) string {
	if pod.Attempts >= 15 {
		return "15+"
	}
	return strconv.Itoa(pod.Attempts)
}

// undo takes back what was assumed for the pod and lets others have the room.
func (c *Cycle) undo(ctx context.Context, a *attempt, pod *v1.Pod, node string, f failure) {
	a.profile.RunUnreserve(ctx, a.state, pod, node)
	c.cfg.Cache.ForgetPod(pod)
	// To those waiting it is as if a pod had been deleted. The pod itself is in flight and is asked about the event on
	// its return, when it would only learn of its own departure; it is given back first.
	c.fail(ctx, a, f)
	c.cfg.Queue.Move(ctx, fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete, CustomLabel: "AssumedPodForgotten"}, pod, nil)
}
