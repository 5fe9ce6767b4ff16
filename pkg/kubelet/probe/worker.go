package probe

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
)

// attempts is how often a probe is tried when it could not be carried out at all.
const attempts = 3

// worker carries out one probe of one run of a container.
type worker struct {
	m         *Manager
	pod       *v1.Pod
	podIP     string
	spec      *v1.Container
	probe     *v1.Probe
	kind      Type
	container Container
	in        *instance

	last  Outcome // what was reported last
	seen  Outcome // what the latest answers were
	count int32   // how many of them in a row
}

func (w *worker) run(ctx context.Context) {
	if !w.sleep(ctx, w.firstDelay()) {
		return
	}
	if w.kind != Startup {
		select {
		case <-w.in.started:
		case <-ctx.Done():
			return
		}
	}
	ticker := w.m.cfg.Clock.NewTicker(time.Duration(w.probe.PeriodSeconds) * time.Second)
	defer ticker.Stop()
	for {
		if done := w.once(ctx); done {
			return
		}
		select {
		case <-ticker.C():
		case <-ctx.Done():
			return
		}
	}
}

// firstDelay is what is left of the initial delay. Containers that ran before this kubelet are spread over a period, so that a restart of
// the kubelet does not knock at all of them at once.
func (w *worker) firstDelay() time.Duration {
	delay := time.Duration(w.probe.InitialDelaySeconds)*time.Second - w.m.cfg.Clock.Since(w.container.StartedAt)
	delay = max(delay, 0)
	if w.container.StartedAt.Before(w.m.began) {
		delay += time.Duration(rand.Int64N(int64(w.probe.PeriodSeconds) * int64(time.Second)))
	}
	return delay
}

func (w *worker) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := w.m.cfg.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return true
	case <-ctx.Done():
		return false
	}
}

// once probes and reports what passed a threshold. It returns true when the worker's work is over.
func (w *worker) once(ctx context.Context) bool {
	outcome, message := w.knock(ctx)
	if ctx.Err() != nil {
		return true
	}
	if outcome == Unknown {
		return false // could not be carried out: says nothing about the container
	}
	if w.seen == outcome {
		w.count++
	} else {
		w.seen, w.count = outcome, 1
	}
	if outcome == Failure && w.count < w.probe.FailureThreshold || outcome == Success && w.count < w.probe.SuccessThreshold {
		return false
	}
	w.last = outcome
	w.m.report(ctx, w, outcome, message)
	if w.kind == Startup {
		return true // started, or to be killed
	}
	return w.kind == Liveness && outcome == Failure
}

// knock carries out the probe and tells events and metrics.
func (w *worker) knock(ctx context.Context) (Outcome, string) {
	var (
		answer answer
		err    error
	)
	begin := w.m.cfg.Clock.Now()
	for range attempts {
		if answer, err = w.do(ctx); err == nil || ctx.Err() != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return Unknown, ""
	}
	w.m.seconds.WithLabelValues(w.kind.String(), w.spec.Name, w.pod.Name, w.pod.Namespace).Observe(w.m.cfg.Clock.Since(begin).Seconds())
	outcome := answer.outcome
	switch {
	case err != nil:
		outcome = Failure
		w.event(v1.EventTypeWarning, "Unhealthy", fmt.Sprintf("%s probe errored and resulted in %s state: %v", w.kind, outcome, err))
		answer.text = err.Error()
	case outcome == Failure:
		w.event(v1.EventTypeWarning, "Unhealthy", fmt.Sprintf("%s probe failed: %s", w.kind, answer.text))
	case answer.warning:
		w.event(v1.EventTypeWarning, "ProbeWarning", fmt.Sprintf("%s probe warning: %s", w.kind, answer.text))
	}
	label := map[Outcome]string{Success: "successful", Failure: "failed", Unknown: "unknown"}[outcome]
	w.m.total.WithLabelValues(w.kind.String(), label, w.spec.Name, w.pod.Name, w.pod.Namespace, string(w.pod.UID)).Inc()
	if outcome == Failure {
		klog.FromContext(ctx).V(2).Info("Probe failed", "kind", w.kind, "pod", klog.KObj(w.pod), "container", w.spec.Name, "output", answer.text)
	}
	return outcome, answer.text
}

// answer is what one knock found.
type answer struct {
	outcome Outcome
	warning bool
	text    string
}

func (w *worker) do(ctx context.Context) (answer, error) {
	timeout := time.Duration(w.probe.TimeoutSeconds) * time.Second
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	switch p := w.probe; {
	case p.Exec != nil:
		return w.exec(ctx, p.Exec.Command, timeout)
	case p.HTTPGet != nil:
		return w.http(ctx, p.HTTPGet)
	case p.TCPSocket != nil:
		return w.tcp(ctx, p.TCPSocket)
	case p.GRPC != nil:
		return w.grpc(ctx, p.GRPC, timeout)
	}
	return answer{}, fmt.Errorf("missing probe handler for %s/%s:%s", w.pod.Namespace, w.pod.Name, w.spec.Name)
}

func (w *worker) event(kind, reason, message string) {
	field := "spec.containers{" + w.spec.Name + "}"
	for i := range w.pod.Spec.InitContainers {
		if w.pod.Spec.InitContainers[i].Name == w.spec.Name {
			field = "spec.initContainers{" + w.spec.Name + "}"
		}
	}
	ref := &v1.ObjectReference{Kind: "Pod", APIVersion: "v1", Namespace: w.pod.Namespace, Name: w.pod.Name, UID: w.pod.UID,
		ResourceVersion: w.pod.ResourceVersion, FieldPath: field}
	w.m.cfg.Recorder.Event(ref, kind, reason, message)
}
