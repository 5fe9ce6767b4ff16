package podstate

import (
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Condition returns the pod's condition of the given type, or nil. The result points into the pod: do not change it.
func Condition(pod *v1.Pod, kind v1.PodConditionType) *v1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == kind {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// IsReady tells whether the pod's Ready condition is true.
func IsReady(pod *v1.Pod) bool {
	c := Condition(pod, v1.PodReady)
	return c != nil && c.Status == v1.ConditionTrue
}

// IsAvailable tells whether the pod has been ready for at least minReadySeconds at now.
func IsAvailable(pod *v1.Pod, minReadySeconds int32, now metav1.Time) bool {
	c := Condition(pod, v1.PodReady)
	if c == nil || c.Status != v1.ConditionTrue {
		return false
	}
	if minReadySeconds == 0 {
		return true
	}
	wait := time.Duration(minReadySeconds) * time.Second
	return !c.LastTransitionTime.IsZero() && !c.LastTransitionTime.Add(wait).After(now.Time)
}

// IsTerminal tells whether the pod's phase is one that it never leaves.
func IsTerminal(pod *v1.Pod) bool {
	return pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
}

// IsActive tells whether the pod still counts as a running or coming replica: neither finished nor being deleted.
func IsActive(pod *v1.Pod) bool {
	return !IsTerminal(pod) && pod.DeletionTimestamp == nil
}

// SetCondition puts the condition into the status and returns whether anything changed. LastTransitionTime moves only
// when the status changes; an unset one becomes now.
func SetCondition(status *v1.PodStatus, c v1.PodCondition, now metav1.Time) bool {
	if c.LastTransitionTime.IsZero() {
		c.LastTransitionTime = now
	}
	for i := range status.Conditions {
		old := &status.Conditions[i]
		if old.Type != c.Type {
			continue
		}
		if old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		if *old == c {
			return false
		}
		*old = c
		return true
	}
	status.Conditions = append(status.Conditions, c)
	return true
}
