package podworker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
	"tiphys.dev/tiphys/pkg/kubelet/podstatus"
)

// stepStopping works towards nothing of the pod running, then towards nothing being left. pod is nil for an orphan.
func (w *worker) stepStopping(ctx context.Context, pod *v1.Pod, kill *Kill, removed bool) (again time.Duration, gone bool) {
	w.mu.Lock()
	if w.cancelStart != nil {
		w.cancelStart() // what is starting stops at its next step and wakes us
	}
	starting, stopped, cleaned := w.starting, w.isStopped, w.cleaned
	w.mu.Unlock()
	observed := w.m.cfg.Observer.Get(w.uid)
	if !stopped {
		if pod != nil {
			w.m.cfg.Probes.Stopping(w.uid)
			w.track(pod, observed)
			w.report(pod, podstatus.Input{Failure: failureOf(kill)}, true)
		}
		if !starting {
			return w.stop(ctx, pod, kill, observed), false
		}
		return 0, false
	}
	if pod != nil && !removed || pod != nil && !cleaned {
		w.report(pod, podstatus.Input{Finished: true, Failure: failureOf(kill)}, true)
	}
	if !cleaned {
		if err := w.clean(ctx); err != nil {
			klog.FromContext(ctx).Error(err, "Cleaning up after pod")
			w.cleanErrors++
			return retryDelay(w.cleanErrors), false
		}
		w.cleanErrors = 0
	}
	if !removed {
		if pod.DeletionTimestamp != nil {
			w.m.cfg.Reporter.Delete(pod)
		}
		return 0, false
	}
	if left := w.yield(); left > 0 {
		return left, false
	}
	if err := w.erase(ctx, observed); err != nil {
		klog.FromContext(ctx).Error(err, "Removing what is left of pod")
		w.cleanErrors++
		return retryDelay(w.cleanErrors), false
	}
	return 0, true
}

// grace is how long the pod may take to stop.
func grace(pod *v1.Pod, kill *Kill, observed *observe.Pod) time.Duration {
	seconds := int64(v1.DefaultTerminationGracePeriodSeconds)
	switch {
	case pod == nil:
		seconds = recordedGrace(observed, seconds)
	case kill != nil && kill.GraceSeconds != nil:
		seconds = *kill.GraceSeconds
	case pod.DeletionGracePeriodSeconds != nil:
		seconds = *pod.DeletionGracePeriodSeconds
	case pod.Spec.TerminationGracePeriodSeconds != nil:
		seconds = *pod.Spec.TerminationGracePeriodSeconds
	}
	// Even a forced deletion lets the containers see the signal.
	return time.Duration(max(seconds, 1)) * time.Second
}

// stop makes containers and sandbox stop, in a goroutine. A second call with less grace than the running one overtakes it.
func (w *worker) stop(ctx context.Context, pod *v1.Pod, kill *Kill, observed *observe.Pod) time.Duration {
	allowed := grace(pod, kill, observed)
	until := w.m.cfg.Clock.Now().Add(allowed)
	w.mu.Lock()
	defer w.mu.Unlock()
	// The same deletion looked at again later has a later end: only an order for less grace counts.
	if !w.stopUntil.IsZero() && allowed >= w.stopGrace {
		return 0
	}
	w.stopUntil, w.stopGrace = until, allowed
	w.helpers.Go(func() {
		err := w.stopAll(ctx, pod, allowed)
		w.mu.Lock()
		if w.stopUntil.Equal(until) {
			w.stopUntil = time.Time{}
		}
		if err != nil {
			w.stopErrors++
		}
		count := w.stopErrors
		w.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			klog.FromContext(ctx).Error(err, "Stopping pod")
			w.event(pod, "", v1.EventTypeWarning, "FailedKillPod", "error killing pod: "+err.Error())
			select {
			case <-ctx.Done():
			case <-w.m.cfg.Clock.After(retryDelay(count)):
			}
		default:
			w.markStopped()
		}
		w.poke()
	})
	return 0
}

func (w *worker) markStopped() {
	w.mu.Lock()
	first := !w.isStopped
	w.isStopped = true
	w.stopErrors = 0
	w.mu.Unlock()
	if first {
		close(w.stopped)
		w.m.cfg.PodsChanged()
	}
}

// drainTime is enough for a deletion to become a change of endpoints and that one of the packet filter's rules, which takes
// some tens of milliseconds, on a machine busy with the start of the next pod a hundred or two, and for short requests to be answered.
const drainTime = 500 * time.Millisecond

// drain is how long a deleted pod goes on serving before its containers are told to stop. The signal and the change of the
// endpoints set out at the same time, and a program that ends at the signal would lose the requests that are still sent to it.
// It is part of the grace period. Pods that serve nobody do not wait, nor those with a preStop hook, which is the usual remedy.
func drain(pod *v1.Pod, allowed time.Duration) time.Duration {
	if pod == nil || pod.DeletionTimestamp == nil || allowed < 2*time.Second {
		return 0
	}
	ready := slices.ContainsFunc(pod.Status.Conditions, func(c v1.PodCondition) bool {
		return c.Type == v1.PodReady && c.Status == v1.ConditionTrue
	})
	serves := false
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
			return 0
		}
		// Ports need not be declared; who tells when requests may come is sent some.
		serves = serves || len(c.Ports) > 0 || c.ReadinessProbe != nil
	}
	if !ready || !serves {
		return 0
	}
	return drainTime
}

// stopAll stops containers in order, then the sandboxes.
func (w *worker) stopAll(ctx context.Context, pod *v1.Pod, allowed time.Duration) error {
	observed, err := w.m.cfg.Observer.Refresh(ctx, w.uid)
	if err != nil {
		return err
	}
	end := w.m.cfg.Clock.Now().Add(allowed)
	if d := drain(pod, allowed); d > 0 {
		select {
		case <-w.m.cfg.Clock.After(d):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, group := range plan.StopOrder(pod, observed) {
		var wg sync.WaitGroup
		errs := make([]error, len(group))
		for i, c := range group {
			wg.Go(func() {
				left := max(end.Sub(w.m.cfg.Clock.Now()), time.Second)
				errs[i] = w.stopContainer(ctx, pod, c, left, "Stopping container "+c.Name)
			})
		}
		wg.Wait()
		for _, e := range errs {
			if e != nil {
				err = e
			}
		}
	}
	if err != nil {
		return err
	}
	for _, s := range observed.Sandboxes {
		if e := w.m.cfg.Runtime.StopPodSandbox(ctx, s.Id); e != nil && !notFound(e) {
			err = fmt.Errorf("stopping sandbox %s: %w", s.Id, e)
		}
	}
	if err != nil {
		return err
	}
	observed, err = w.m.cfg.Observer.Refresh(ctx, w.uid)
	if err == nil && observed.AnyRunning() {
		err = fmt.Errorf("containers are still running")
	}
	return err
}

// clean gives back what the stopped pod held: volumes, cgroup, watches, probes.
func (w *worker) clean(ctx context.Context) error {
	w.m.cfg.Probes.Remove(w.uid)
	w.m.cfg.Objects.Unregister(w.uid)
	w.m.cfg.Images.Forget(w.uid)
	if err := w.m.cfg.Volumes.Unmount(ctx, w.uid); err != nil {
		return fmt.Errorf("unmounting volumes: %w", err)
	}
	if err := w.m.cfg.Cgroups.RemovePod(ctx, w.uid); err != nil {
		return fmt.Errorf("removing cgroup: %w", err)
	}
	w.mu.Lock()
	w.cleaned, w.mounted = true, false
	w.mu.Unlock()
	return nil
}

// yield is how long to let starts of other pods go first. One that waits for this very pod to go does not wait.
func (w *worker) yield() time.Duration {
	now := w.m.cfg.Clock.Now()
	if w.successor() != nil {
		return 0
	}
	if w.cleanedAt.IsZero() {
		w.cleanedAt = now
	}
	return w.m.starts.yield(w.cleanedAt, now)
}

// erase removes what the node still keeps of a pod that is gone from its source.
func (w *worker) erase(ctx context.Context, observed *observe.Pod) error {
	for _, c := range observed.Containers {
		if err := w.m.cfg.Runtime.RemoveContainer(ctx, c.ID); err != nil && !notFound(err) {
			return fmt.Errorf("removing container %s: %w", c.ID, err)
		}
		w.removeLink(observed, c)
	}
	for _, s := range observed.Sandboxes {
		if err := w.m.cfg.Runtime.RemovePodSandbox(ctx, s.Id); err != nil && !notFound(err) {
			return fmt.Errorf("removing sandbox %s: %w", s.Id, err)
		}
	}
	if err := w.removeLogs(observed); err != nil {
		return err
	}
	if err := w.m.cfg.Volumes.RemovePodDir(w.uid); err != nil {
		return fmt.Errorf("removing pod directory: %w", err)
	}
	w.m.releaseUserns(w.uid)
	w.m.cfg.Reporter.Forget(w.uid)
	if _, err := w.m.cfg.Observer.Refresh(ctx, w.uid); err != nil {
		return err
	}
	return nil
}

// preempt makes room for a critical pod.
func (m *Manager) preempt(victim *v1.Pod) {
	m.Event(victim, "", v1.EventTypeWarning, "Preempting", "Preempted in order to admit critical pod")
	ctx, cancel := context.WithTimeout(m.ctx, 2*time.Minute)
	defer cancel()
	_ = m.Kill(ctx, victim.UID, Kill{Failure: &podstatus.Failure{Reason: "Preempting",
		Message: "Preempted in order to admit critical pod",
		Condition: &v1.PodCondition{Type: v1.DisruptionTarget, Status: v1.ConditionTrue,
			Reason: v1.PodReasonTerminationByKubelet, Message: "Pod was preempted by Kubelet to accommodate a critical pod."}}})
}
