package podworker

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

// leastGrace is left to a container after its preStop hook has used up the grace period (documented: a small, one-off
// extension of 2 seconds).
const leastGrace = 2 * time.Second

func notFound(err error) bool { return status.Code(err) == codes.NotFound }

// killOne stops one container of a living pod.
func (w *worker) killOne(ctx context.Context, pod *v1.Pod, c *observe.Container, k plan.Kill) {
	if c == nil {
		return
	}
	w.mu.Lock()
	busy := w.killing[k.ID]
	w.killing[k.ID] = true
	if k.Reason == plan.KillChanged || k.Reason == plan.KillResize {
		w.replaced[k.ID] = true
	}
	w.mu.Unlock()
	if busy {
		return
	}
	w.helpers.Go(func() {
		err := w.stopContainer(ctx, pod, c, probeGrace(pod, c, k.Reason), k.Message)
		if _, e := w.m.cfg.Observer.Refresh(ctx, w.uid); err == nil {
			err = e
		}
		if err != nil && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-w.m.cfg.Clock.After(time.Second):
			}
		}
		w.mu.Lock()
		delete(w.killing, k.ID)
		w.mu.Unlock()
		w.poke()
	})
}

// probeGrace is the pod's grace period, unless the failed probe has its own.
func probeGrace(pod *v1.Pod, c *observe.Container, reason plan.KillReason) time.Duration {
	spec, _ := specOf(pod, c.Name)
	var probe *v1.Probe
	if spec != nil {
		switch reason {
		case plan.KillLiveness:
			probe = spec.LivenessProbe
		case plan.KillStartup:
			probe = spec.StartupProbe
		}
	}
	if probe != nil && probe.TerminationGracePeriodSeconds != nil {
		return time.Duration(*probe.TerminationGracePeriodSeconds) * time.Second
	}
	if s := pod.Spec.TerminationGracePeriodSeconds; s != nil {
		return time.Duration(*s) * time.Second
	}
	return v1.DefaultTerminationGracePeriodSeconds * time.Second
}

// stopContainer runs the preStop hook and stops the container, both within allowed. pod is nil for an orphan.
func (w *worker) stopContainer(ctx context.Context, pod *v1.Pod, c *observe.Container, allowed time.Duration, message string) error {
	w.event(pod, c.Name, v1.EventTypeNormal, "Killing", message)
	if hook := preStop(pod, c); hook != nil && allowed > 0 {
		began := w.m.cfg.Clock.Now()
		hookCtx, cancel := context.WithTimeout(ctx, allowed)
		if err := w.runHook(hookCtx, pod, c, hook); err != nil && ctx.Err() == nil {
			w.event(pod, c.Name, v1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed")
		}
		cancel()
		allowed = max(allowed-w.m.cfg.Clock.Since(began), leastGrace)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	seconds := int64((allowed + time.Second - 1) / time.Second)
	if err := w.m.cfg.Runtime.StopContainer(ctx, c.ID, seconds); err != nil && !notFound(err) {
		return fmt.Errorf("stopping container %s: %w", c.Name, err)
	}
	return nil
}

// preStop finds the hook in the spec, or, for a pod nobody wants any more, in what was written on the container.
func preStop(pod *v1.Pod, c *observe.Container) *v1.LifecycleHandler {
	if pod != nil {
		if spec, _ := specOf(pod, c.Name); spec != nil && spec.Lifecycle != nil {
			return spec.Lifecycle.PreStop
		}
		return nil
	}
	raw := c.Annotations[observe.AnnotationPreStop]
	if raw == "" {
		return nil
	}
	hook := &v1.LifecycleHandler{}
	if json.Unmarshal([]byte(raw), hook) != nil {
		return nil
	}
	return hook
}

// recordedGrace is the grace period written on the containers of an orphan.
func recordedGrace(observed *observe.Pod, otherwise int64) int64 {
	for _, c := range observed.Containers {
		if s, err := strconv.ParseInt(c.Annotations[observe.AnnotationPodGracePeriod], 10, 64); err == nil {
			return s
		}
	}
	return otherwise
}
