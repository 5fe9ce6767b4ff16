package plan

import (
	"time"

	v1 "k8s.io/api/core/v1"
)

// Deadline tells whether the pod has been active for longer than activeDeadlineSeconds, and else how long is left
// (0: no deadline).
func Deadline(pod *v1.Pod, started time.Time, now time.Time) (exceeded bool, left time.Duration) {
	if pod.Spec.ActiveDeadlineSeconds == nil || started.IsZero() {
		return false, 0
	}
	left = time.Duration(*pod.Spec.ActiveDeadlineSeconds)*time.Second - now.Sub(started)
	return left <= 0, max(left, 0)
}
