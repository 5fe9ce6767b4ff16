package plan

import (
	"time"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

// left is how long the container must still wait after its last end.
func (b BackOff) left(last *observe.Container, in Input) time.Duration {
	if b.Wait == 0 || b.expired(last, in) {
		return 0
	}
	return last.FinishedAt.Add(b.Wait).Sub(in.Now)
}

// expired: the container ran well for longer than twice the greatest back-off; its past is forgiven.
func (b BackOff) expired(last *observe.Container, in Input) bool {
	return last.FinishedAt.Sub(b.From) > 2*in.MaxBackOff
}

// next is the back-off after this restart: the first wait, or double the last.
func (b BackOff) next(last *observe.Container, in Input) BackOff {
	if b.Wait == 0 || b.expired(last, in) {
		return BackOff{Wait: min(in.FirstBackOff, in.MaxBackOff), From: in.Now}
	}
	return BackOff{Wait: min(2*b.Wait, in.MaxBackOff), From: in.Now}
}
