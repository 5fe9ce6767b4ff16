package lifecycle

import "time"

// Backoff says how long a failed member waits before it is started again.
type Backoff struct {
	// Initial is the wait after the first failure; it doubles up to Max.
	Initial, Max time.Duration
	// Reset is how long a member must have run for the next failure to count as the first.
	Reset time.Duration
}

// DefaultBackoff suits daemons: a glitch costs little, a broken member costs next to nothing.
func DefaultBackoff() Backoff {
	return Backoff{Initial: 500 * time.Millisecond, Max: 30 * time.Second, Reset: time.Minute}
}

// delay is the wait after the given number of failures in a row (1 = the first).
func (b Backoff) delay(failures int) time.Duration {
	d := b.Initial
	for i := 1; i < failures && d < b.Max; i++ {
		d *= 2
	}
	return min(d, b.Max)
}
