package cycle

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/metrics"
	"tiphys.dev/tiphys/pkg/scheduler/queue"
)

// maxEventNote is what the API accepts in an event's note.
const maxEventNote = 1024

// failure is how an attempt ended without a node, or lost it.
type failure struct {
	status        *fwk.Status
	message       string
	unschedulable sets.Set[string]
	pending       sets.Set[string]
	// nominating is what PostFilter promised, nil to leave the nomination as it is.
	nominating *fwk.NominatingInfo
}

// failureOf makes a failure of a plugin's status at a point where no FitError exists.
func failureOf(status *fwk.Status) failure {
	f := failure{status: status, message: status.Message()}
	if status.IsRejected() && status.Plugin() != "" {
		if status.Code() == fwk.Pending {
			f.pending = sets.New(status.Plugin())
		} else {
			f.unschedulable = sets.New(status.Plugin())
		}
	}
	if err := status.AsError(); err != nil {
		f.message = err.Error()
	}
	return f
}

// fail gives the pod back to the queue and tells the user why.
func (c *Cycle) fail(ctx context.Context, a *attempt, f failure) {
	reason, result := v1.PodReasonUnschedulable, metrics.ResultUnschedulable
	if !f.status.IsRejected() {
		reason, result = v1.PodReasonSchedulerError, metrics.ResultError
	}
	c.cfg.Metrics.Attempt(result, a.profile.ProfileName(), c.cfg.Clock.Since(a.start))
	pod := a.object()
	log := c.cfg.Logger.WithValues("pod", klog.KObj(pod))
	if reason == v1.PodReasonSchedulerError {
		log.Error(f.status.AsError(), "Error scheduling pod; retrying")
	} else {
		log.V(2).Info("Unable to schedule pod; no fit; waiting", "err", f.message)
	}
	c.cfg.Queue.Return(ctx, a.pod, queue.Verdict{Unschedulable: f.unschedulable, Pending: f.pending, Error: !f.status.IsRejected()})
	current := c.cfg.Queue.Get(pod.UID)
	if current == nil {
		// Deleted or bound meanwhile: nothing to tell.
		return
	}
	if f.nominating.Mode() == fwk.ModeOverride {
		c.cfg.Nominator.AddNominatedPod(c.cfg.Logger, a.pod.Pod, f.nominating)
	}
	a.profile.EventRecorder().Eventf(pod, nil, v1.EventTypeWarning, "FailedScheduling", "Scheduling", "%s", truncate(f.message))
	c.cfg.WriteStatus(current, &v1.PodCondition{
		Type:               v1.PodScheduled,
		ObservedGeneration: pod.Generation,
		Status:             v1.ConditionFalse,
		Reason:             reason,
		Message:            f.message,
	}, f.nominating)
}

func truncate(message string) string {
	const mark = " ..."
	if len(message) <= maxEventNote {
		return message
	}
	return message[:maxEventNote-len(mark)] + mark
}
