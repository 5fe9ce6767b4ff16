package tainteviction

import (
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
)

// deadline returns when the pod must leave a node with these taints; the second result is false when it may stay for ever.
// FirstSeen is used for taints without a time.
func deadline(p *v1.Pod, taints []v1.Taint, firstSeen time.Time) (time.Time, bool) {
	var first time.Time
	found := false
	for i := range taints {
		t := &taints[i]
		if t.Effect != v1.TaintEffectNoExecute {
			continue
		}
		grace, forever := tolerated(p, t)
		if forever {
			continue
		}
		since := firstSeen
		if t.TimeAdded != nil {
			since = t.TimeAdded.Time
		}
		if bound := boundAt(p); bound.After(since) {
			since = bound
		}
		if end := since.Add(grace); !found || end.Before(first) {
			first, found = end, true
		}
	}
	return first, found
}

// tolerated returns how long the pod's tolerations bear the taint: the shortest of those that match counts, as upstream.
func tolerated(p *v1.Pod, t *v1.Taint) (grace time.Duration, forever bool) {
	matched := false
	forever = true
	for i := range p.Spec.Tolerations {
		tol := &p.Spec.Tolerations[i]
		if !tol.ToleratesTaint(klog.Background(), t, false) {
			continue
		}
		matched = true
		if tol.TolerationSeconds == nil {
			continue
		}
		d := time.Duration(max(0, *tol.TolerationSeconds)) * time.Second
		if forever || d < grace {
			grace, forever = d, false
		}
	}
	if !matched {
		return 0, false
	}
	return grace, forever
}

func boundAt(p *v1.Pod) time.Time {
	for i := range p.Status.Conditions {
		if c := &p.Status.Conditions[i]; c.Type == v1.PodScheduled && c.Status == v1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return p.CreationTimestamp.Time
}
