package podworker

import (
	"context"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
	"tiphys.dev/tiphys/pkg/kubelet/podstatus"
)

// step looks at the pod once and sets things going. It returns when to look again at the latest (0: when woken) and
// whether the pod is gone for good.
func (w *worker) step(ctx context.Context) (again time.Duration, gone bool) {
	operation, began := "sync", w.m.cfg.Clock.Now()
	defer func() { w.m.cfg.Worked(operation, w.m.cfg.Clock.Since(began)) }()
	pod, removed, kill := w.wanted()
	if pod == nil {
		return w.stepStopping(ctx, nil, nil, true)
	}
	if !w.decided && !removed {
		w.decide(pod)
	}
	if w.rejected {
		return w.stepRejected(ctx, pod, removed)
	}
	if exceeded, left := plan.Deadline(pod, w.startTime(pod), w.m.cfg.Clock.Now()); exceeded && kill == nil {
		kill = &Kill{Failure: &podstatus.Failure{Reason: "DeadlineExceeded",
			Message: "Pod was active on the node longer than the specified deadline"}}
		w.event(pod, "", v1.EventTypeNormal, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
		w.condemn(*kill)
	} else if left > 0 {
		again = left
	}
	if removed || kill != nil || pod.DeletionTimestamp != nil || w.wasTerminal(pod) {
		operation = "kill"
		return w.stepStopping(ctx, pod, kill, removed)
	}
	next, done := w.stepLive(ctx, pod)
	if done {
		return w.stepStopping(ctx, pod, nil, false)
	}
	if again == 0 || next > 0 && next < again {
		again = next
	}
	return again, false
}

// wasTerminal: the pod ended for good, now or before the kubelet's last restart.
func (w *worker) wasTerminal(pod *v1.Pod) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return podstate.IsTerminal(pod) || w.isStopped || !w.stopUntil.IsZero() || w.reported && (w.status.Phase == v1.PodFailed || w.status.Phase == v1.PodSucceeded)
}

// startTime is when the pod was first accepted by the node.
func (w *worker) startTime(pod *v1.Pod) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reported && w.status.StartTime != nil {
		return w.status.StartTime.Time
	}
	if pod.Status.StartTime != nil {
		return pod.Status.StartTime.Time
	}
	return w.firstSeen
}

// decide admits or rejects the pod. One that the node accepted before a restart is not asked again.
func (w *worker) decide(pod *v1.Pod) {
	w.decided = true
	accepted := pod.Status.StartTime != nil && pod.Status.Phase != "" || !w.m.cfg.Observer.Get(w.uid).Empty()
	if accepted || pod.DeletionTimestamp != nil || podstate.IsTerminal(pod) {
		w.mu.Lock()
		w.admitted = true
		w.mu.Unlock()
		return
	}
	w.m.admission.Lock()
	defer w.m.admission.Unlock()
	d := w.m.cfg.Admit(pod, w.m.active(w.uid))
	w.mu.Lock()
	w.admitted = d.Admit
	if !d.Admit && w.kill == nil {
		w.kill = &Kill{Failure: &podstatus.Failure{Reason: d.Reason, Message: "Pod was rejected: " + d.Message}}
	}
	w.mu.Unlock()
	if !d.Admit {
		w.rejected = true
		w.event(pod, "", v1.EventTypeWarning, d.Reason, d.Message)
		return
	}
	for _, victim := range d.Preempt {
		go w.m.preempt(victim)
	}
	w.m.cfg.PodsChanged()
}

// stepRejected reports the refusal and waits for the pod to be deleted.
func (w *worker) stepRejected(ctx context.Context, pod *v1.Pod, removed bool) (time.Duration, bool) {
	_, _, kill := w.wanted()
	w.report(pod, podstatus.Input{Rejected: true, Failure: failureOf(kill), Finished: true}, true)
	w.markStopped()
	if removed {
		return 0, true
	}
	if pod.DeletionTimestamp != nil {
		w.m.cfg.Reporter.Delete(pod)
	}
	return 0, false
}

// stepLive works towards the wanted pod. It returns whether the pod is done.
func (w *worker) stepLive(ctx context.Context, pod *v1.Pod) (again time.Duration, done bool) {
	pod = w.allocate(pod)
	observed := w.m.cfg.Observer.Get(w.uid)
	w.track(pod, observed)
	p := plan.Decide(w.planInput(pod, observed))
	hold := w.hold(observed)
	if !w.halfStarted(observed) {
		w.report(pod, podstatus.Input{Waiting: w.waitingReasons(p), RestartingAll: p.RestartingAll}, hold == 0)
	}
	if p.Done {
		return 0, true
	}
	for _, k := range p.Kill {
		w.killOne(ctx, pod, observed.ByID(k.ID), k)
	}
	again = p.Wake
	if hold > 0 && (again == 0 || hold < again) {
		again = hold
	}
	if left := w.act(ctx, pod, p); left > 0 && (again == 0 || left < again) {
		again = left
	}
	return again, false
}

// quickStart is how long the states of a pod that starts for the first time are kept to ourselves. Most pods run by then: what they were in
// between would be sent, and read by all who watch pods, while the node has more important things to do.
const quickStart = 300 * time.Millisecond

// hold is how long still not to report; 0 when a container was made, or could not be, or it takes long.
func (w *worker) hold(observed *observe.Pod) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(observed.Containers) > 0 || len(w.failed) > 0 || w.setup.count > 0 {
		return 0
	}
	return max(0, quickStart-w.m.cfg.Clock.Since(w.firstSeen))
}

// halfStarted tells that a container is made and about to run, which the end of its start tells in a moment: a status that
// says so would be sent, and read by all who watch pods, while the node has more important things to do.
func (w *worker) halfStarted(observed *observe.Pod) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.starting && slices.ContainsFunc(observed.Containers, func(c *observe.Container) bool {
		return c.State == runtimeapi.ContainerState_CONTAINER_CREATED
	})
}

func (w *worker) planInput(pod *v1.Pod, observed *observe.Pod) plan.Input {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := plan.Input{Pod: pod, Observed: observed, Now: w.m.cfg.Clock.Now(), FirstBackOff: w.m.cfg.FirstBackOff,
		MaxBackOff: w.m.cfg.MaxBackOff, BackOffs: map[string]plan.BackOff{}, Failed: map[string]time.Time{}}
	for k, v := range w.backoffs {
		in.BackOffs[k] = v
	}
	for k, v := range w.failed {
		in.Failed[k] = v.until
	}
	in.Busy = func(id string) bool { w.mu.Lock(); defer w.mu.Unlock(); return w.killing[id] }
	in.Replaced = func(id string) bool { w.mu.Lock(); defer w.mu.Unlock(); return w.replaced[id] }
	in.Wanted = func(c *v1.Container) *runtimeapi.LinuxContainerResources { return w.containerResources(pod, c) }
	in.Probe = func(c *observe.Container) plan.ProbeState { return w.probeState(pod, c) }
	return in
}

// act starts what the plan wants started, unless a start is going on: then the end of that wakes the worker.
// It returns how long to wait before a failed setup may be tried again.
func (w *worker) act(ctx context.Context, pod *v1.Pod, p plan.Plan) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.m.cfg.Clock.Now()
	resync := w.resync && w.mounted && !w.resyncAt.After(now)
	if w.starting || !p.CreateSandbox && len(p.Start) == 0 && len(p.Resize) == 0 && !w.resizing && !resync && w.mounted {
		if w.resync && !w.starting {
			return w.resyncAt.Sub(now)
		}
		return 0
	}
	if left := w.setup.until.Sub(now); left > 0 {
		return left
	}
	if resync {
		w.resync = false
	}
	startCtx, cancel := context.WithCancel(ctx)
	w.starting, w.cancelStart = true, cancel
	w.m.starts.begin()
	w.helpers.Go(func() {
		defer cancel()
		err := w.start(startCtx, pod, p, resync)
		w.m.starts.end(w.m.cfg.Clock.Now())
		w.mu.Lock()
		w.starting, w.cancelStart = false, nil
		if err != nil && startCtx.Err() == nil {
			w.setup.count++
			w.setup.until = w.m.cfg.Clock.Now().Add(retryDelay(w.setup.count))
		} else if err == nil {
			w.setup = failedStart{}
		}
		w.mu.Unlock()
		if err != nil && startCtx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Starting pod")
		}
		w.poke()
	})
	return 0
}

// retryDelay grows from half a second to half a minute.
func retryDelay(count int) time.Duration {
	return min(500*time.Millisecond<<min(count-1, 10), 30*time.Second)
}
