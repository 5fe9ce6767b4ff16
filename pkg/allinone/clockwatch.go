package allinone

import (
	"context"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// clockWatch says in the log when the machine's clock jumps, and what that means. Leases, the store and the components' own
// waiting go by the monotonic clock, or by what they saw themselves, and do not care; certificates and tokens do.
type clockWatch struct {
	clock clock.WithTicker
	// wall is the time of day, running the time since some moment by a clock that never jumps.
	wall    func() time.Time
	running func() time.Duration
	// check tells what does not hold at a time.
	check func(now time.Time) error
	tell  func(by time.Duration, problem error)
}

const (
	clockLook = 10 * time.Second
	// aJump is what no correction by small steps amounts to between two looks.
	aJump = 30 * time.Second
)

func newClockWatch(check func(time.Time) error) *clockWatch {
	began := time.Now()
	return &clockWatch{
		clock: clock.RealClock{},
		// Round strips the monotonic reading.
		wall:    func() time.Time { return time.Now().Round(0) },
		running: func() time.Duration { return time.Since(began) },
		check:   check, tell: tellJump,
	}
}

func tellJump(by time.Duration, problem error) {
	if problem != nil {
		klog.ErrorS(problem, "This machine's clock jumped, and certificates do not hold any more", "by", by)
		return
	}
	klog.InfoS("This machine's clock jumped; certificates still hold. Tokens of pods may be refused until they are renewed", "by", by)
}

// Run watches until ctx ends.
func (w *clockWatch) Run(ctx context.Context) error {
	ticker := w.clock.NewTicker(clockLook)
	defer ticker.Stop()
	wall, running := w.wall(), w.running()
	for {
		select {
		case <-ticker.C():
		case <-ctx.Done():
			return ctx.Err()
		}
		wallNow, runningNow := w.wall(), w.running()
		if by := jump(wallNow.Sub(wall), runningNow-running); by != 0 {
			w.tell(by, w.check(wallNow))
		}
		wall, running = wallNow, runningNow
	}
}

// jump is by how much the clock moved more than time did, or zero when that is no more than a correction.
func jump(wall, running time.Duration) time.Duration {
	if by := wall - running; by.Abs() >= aJump {
		return by
	}
	return 0
}
