package queue

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// Labels of the incoming metric for moves that no cluster event causes.
const (
	eventScheduleFailure = "ScheduleAttemptFailure"
	eventBackoffComplete = "BackoffComplete"
	eventTimeout         = "UnschedulableTimeout"
	eventForceActivate   = "ForceActivate"
)

// newer remembers a version of a pod in flight for when it comes back.
func (p *PodInfo) newer(info *cache.PodInfo) { p.next = info }

// Verdict is how an attempt to schedule a pod failed.
type Verdict struct {
	// Unschedulable and Pending are the plugins that refused the pod. None at all means an error: the pod is tried again
	// after back-off whatever happens.
	Unschedulable sets.Set[string]
	Pending       sets.Set[string]
	// Error tells that the attempt failed for reasons that are nobody's fault, such as the network.
	Error bool
}

// Return gives back a popped pod that found no node.
func (q *Queue) Return(ctx context.Context, pod *PodInfo, verdict Verdict) {
	q.mu.Lock()
	defer q.mu.Unlock()
	uid := pod.Object().UID
	events := q.flight.finish(uid)
	if pod.where != inFlight || q.pods[uid] != pod {
		return
	}
	if pod.forgotten {
		pod.where = nowhere
		delete(q.pods, uid)
		return
	}
	if pod.next != nil {
		pod.Pod, pod.next, pod.SignatureSet = pod.next, nil, false
	}
	pod.UnschedulablePlugins, pod.PendingPlugins = orEmpty(verdict.Unschedulable), orEmpty(verdict.Pending)
	pod.Timestamp = q.cfg.Clock.Now()
	// Nobody's refusal can be undone by an event. Such a pod must sit out its back-off or it would be tried in circles.
	if verdict.Error || pod.rejectors().Len() == 0 {
		pod.ConsecutiveErrors++
	} else {
		pod.ConsecutiveErrors = 0
		pod.UnschedulableCount++
	}
	pod.where = nowhere
	for plugin := range pod.rejectors() {
		q.rejectGauge(pod, plugin, 1)
	}
	best := skip
	if pod.rejectors().Len() == 0 {
		best = afterBackoff
	}
	for i := range events {
		if best == immediately {
			break
		}
		event := &events[i]
		if event.event.CustomLabel == eventForceActivate {
			if event.new.(*v1.Pod).UID == uid {
				best = immediately
			}
			continue
		}
		best = max(best, decide(q.cfg.Logger, pod, event.event, q.concernedFor(pod, event.event), event.old, event.new))
	}
	q.place(ctx, pod, best, eventScheduleFailure)
	q.cfg.Nominator.UpdateNominatedPod(q.cfg.Logger, pod.Object(), pod.Pod)
}

// place puts a pod that is nowhere where the strategy says.
func (q *Queue) place(ctx context.Context, pod *PodInfo, how strategy, event string) {
	if how == skip {
		q.wait(pod, inUnschedulable, event)
		return
	}
	pod.BackoffExpiration = pod.Timestamp.Add(q.backoffFor(pod))
	if how == afterBackoff && pod.BackoffExpiration.After(q.cfg.Clock.Now()) {
		if q.gate(ctx, pod, event) {
			return
		}
		if pod.ConsecutiveErrors > 0 {
			q.errorBackoff.add(pod)
			q.enter(pod, inErrorBackoff, event)
		} else {
			q.backoff.add(pod)
			q.enter(pod, inBackoff, event)
			q.cond.Signal()
		}
		if q.backoff.peek() == pod || q.errorBackoff.peek() == pod {
			q.nudge()
		}
		return
	}
	q.activate(ctx, pod, event)
}

// activate puts a pod that is nowhere into the active part, or among the gated.
func (q *Queue) activate(ctx context.Context, pod *PodInfo, event string) {
	if q.gate(ctx, pod, event) {
		return
	}
	q.active.add(pod)
	q.enter(pod, inActive, event)
	q.cond.Signal()
}

// gate asks PreEnqueue and keeps the pod away when it is refused.
func (q *Queue) gate(ctx context.Context, pod *PodInfo, event string) bool {
	status := q.cfg.PreEnqueue(ctx, pod.Object())
	if status.IsSuccess() {
		pod.GatingPlugin, pod.GatingEvents = "", nil
		return false
	}
	pod.GatingPlugin = status.Plugin()
	pod.GatingEvents = nil
	q.reject(pod, status.Plugin())
	if hints := q.cfg.Hints[pod.Object().Spec.SchedulerName]; hints != nil {
		for _, one := range hints.byPlugin[pod.GatingPlugin] {
			pod.GatingEvents = append(pod.GatingEvents, one.event)
		}
	}
	q.wait(pod, inGated, event)
	return true
}

func (q *Queue) wait(pod *PodInfo, where place, event string) {
	uid := pod.Object().UID
	q.waiting[uid] = pod
	for plugin := range pod.rejectors() {
		if q.byPlugin[plugin] == nil {
			q.byPlugin[plugin] = map[types.UID]*PodInfo{}
		}
		q.byPlugin[plugin][uid] = pod
	}
	q.enter(pod, where, event)
	// A pod that starts waiting is due later than all others; the timer only has to know of the first.
	if len(q.waiting) == 1 {
		q.sweepAt = q.cfg.Clock.Now().Add(q.cfg.MaxUnschedulable)
		q.nudge()
	}
}

func (q *Queue) enter(pod *PodInfo, where place, event string) {
	pod.where = where
	q.gauge(where, 1)
	q.cfg.Metrics.QueueIncoming.WithLabelValues(event, where.String()).Inc()
}

// takeOut removes the pod from the part it is in; it is nowhere then.
func (q *Queue) takeOut(pod *PodInfo) {
	switch pod.where {
	case inActive:
		q.active.remove(pod)
	case inBackoff:
		q.backoff.remove(pod)
	case inErrorBackoff:
		q.errorBackoff.remove(pod)
	case inUnschedulable, inGated:
		uid := pod.Object().UID
		delete(q.waiting, uid)
		for plugin := range pod.rejectors() {
			delete(q.byPlugin[plugin], uid)
		}
	}
	q.gauge(pod.where, -1)
	pod.where = nowhere
}

// Move tells the queue of an event in the cluster. Old or new is nil for additions and deletions.
func (q *Queue) Move(ctx context.Context, event fwk.ClusterEvent, old, new any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flight.record(event, old, new)
	if len(q.waiting) == 0 {
		return
	}
	if IsWildcard(event) {
		for _, pod := range q.waiting {
			q.reconsider(ctx, pod, event, nil, old, new)
		}
		return
	}
	for profile, hints := range q.cfg.Hints {
		concerned := hints.concerned(event)
		asked := map[types.UID]bool{}
		for _, one := range concerned {
			for uid, pod := range q.byPlugin[one.plugin] {
				if !asked[uid] && pod.Object().Spec.SchedulerName == profile {
					asked[uid] = true
					q.reconsider(ctx, pod, event, concerned, old, new)
				}
			}
		}
	}
}

// reconsider moves a waiting pod if the event may help it.
func (q *Queue) reconsider(ctx context.Context, pod *PodInfo, event fwk.ClusterEvent, concerned []hint, old, new any) bool {
	if pod.where == inGated {
		// A gate is only asked again about events its plugin registered: asking is cheap but there may be many gated pods.
		if !IsWildcard(event) && !gateConcerned(pod, event) {
			return false
		}
		if !q.cfg.PreEnqueue(ctx, pod.Object()).IsSuccess() {
			return false
		}
		q.takeOut(pod)
		q.unreject(pod, pod.GatingPlugin)
		q.place(ctx, pod, afterBackoffIfTried(pod), event.Label())
		return true
	}
	how := decide(q.cfg.Logger, pod, event, concerned, old, new)
	if how == skip {
		return false
	}
	q.takeOut(pod)
	q.place(ctx, pod, how, event.Label())
	return true
}

func afterBackoffIfTried(pod *PodInfo) strategy {
	if pod.Attempts == 0 {
		return immediately
	}
	return afterBackoff
}

func gateConcerned(pod *PodInfo, event fwk.ClusterEvent) bool {
	for _, registered := range pod.GatingEvents {
		if matches(registered, event) {
			return true
		}
	}
	return false
}

func (q *Queue) concernedFor(pod *PodInfo, event fwk.ClusterEvent) []hint {
	hints := q.cfg.Hints[pod.Object().Spec.SchedulerName]
	if hints == nil {
		return nil
	}
	return hints.concerned(event)
}

// Activate moves the given pods to the active part at once; for one in flight that happens when it comes back.
func (q *Queue) Activate(_ klog.Logger, pods map[string]*v1.Pod) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, object := range pods {
		pod, ok := q.pods[object.UID]
		if !ok {
			continue
		}
		switch pod.where {
		case inFlight:
			q.flight.record(fwk.ClusterEvent{Resource: fwk.WildCard, ActionType: fwk.All, CustomLabel: eventForceActivate}, nil, object)
		case inBackoff, inErrorBackoff, inUnschedulable, inGated:
			q.takeOut(pod)
			if pod.GatingPlugin != "" {
				q.unreject(pod, pod.GatingPlugin)
			}
			q.activate(context.Background(), pod, eventForceActivate)
		}
	}
}

// flushDue moves what is due and returns how long it is until something else may be.
func (q *Queue) flushDue() time.Duration {
	ctx := context.Background()
	now := q.cfg.Clock.Now()
	next := time.Hour
	for _, heap := range []*podHeap{&q.backoff, &q.errorBackoff} {
		for {
			pod := heap.peek()
			if pod == nil {
				break
			}
			if wait := pod.BackoffExpiration.Sub(now); wait > 0 {
				next = min(next, wait)
				break
			}
			q.takeOut(pod)
			q.activate(ctx, pod, eventBackoffComplete)
		}
	}
	if len(q.waiting) > 0 {
		if !now.Before(q.sweepAt) {
			q.sweep(ctx, now)
		}
		next = min(next, q.sweepAt.Sub(now))
	}
	return next
}

// sweep gives pods another try that waited long without any event: the safety net under wrong hints.
func (q *Queue) sweep(ctx context.Context, now time.Time) {
	q.sweepAt = now.Add(q.cfg.MaxUnschedulable)
	for _, pod := range q.waiting {
		if pod.where != inUnschedulable {
			continue
		}
		if until := pod.Timestamp.Add(q.cfg.MaxUnschedulable); until.After(now) {
			if until.Before(q.sweepAt) {
				q.sweepAt = until
			}
			continue
		}
		q.takeOut(pod)
		q.place(ctx, pod, afterBackoff, eventTimeout)
	}
}

func (q *Queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// backoffFor doubles with every failed attempt up to the maximum. Errors count for themselves: their back-off spares the
// API server and must not grow with past refusals, nor the other way round.
func (q *Queue) backoffFor(pod *PodInfo) time.Duration {
	count := pod.UnschedulableCount
	if pod.ConsecutiveErrors > 0 {
		count = pod.ConsecutiveErrors
	}
	if count == 0 {
		return 0
	}
	backoff := q.cfg.InitialBackoff
	for i := 1; i < count; i++ {
		if backoff > q.cfg.MaxBackoff/2 {
			return q.cfg.MaxBackoff
		}
		backoff *= 2
	}
	return min(backoff, q.cfg.MaxBackoff)
}

func (q *Queue) gauge(where place, delta float64) {
	if label := where.String(); label != "" {
		q.cfg.Metrics.PendingPods.WithLabelValues(label).Add(delta)
	}
}

func (q *Queue) rejectGauge(pod *PodInfo, plugin string, delta float64) {
	q.cfg.Metrics.UnschedulableReasons.WithLabelValues(plugin, pod.Object().Spec.SchedulerName).Add(delta)
}

func (q *Queue) reject(pod *PodInfo, plugin string) {
	if !pod.UnschedulablePlugins.Has(plugin) {
		pod.UnschedulablePlugins.Insert(plugin)
		q.rejectGauge(pod, plugin, 1)
	}
}

func (q *Queue) unreject(pod *PodInfo, plugin string) {
	if pod.UnschedulablePlugins.Has(plugin) {
		pod.UnschedulablePlugins.Delete(plugin)
		q.rejectGauge(pod, plugin, -1)
	}
}

func orEmpty(set sets.Set[string]) sets.Set[string] {
	if set == nil {
		return sets.New[string]()
	}
	return set
}
