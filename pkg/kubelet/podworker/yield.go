package podworker

import (
	"sync"
	"time"
)

// Removing what is left of a pod that is gone costs the node as much as starting one: programs are run to give back its network, and the
// runtime writes. Nobody waits for it, but somebody does for pods that start. So it waits until for yieldQuiet no pod has been starting, but
// not longer than yieldMost.
const (
	yieldQuiet = time.Second
	yieldMost  = 10 * time.Second
)

// starts is what the workers know of each other's starts.
type starts struct {
	mu sync.Mutex
	// running are under way; last is when one last ended.
	running int
	last    time.Time
}

func (s *starts) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running++
}

func (s *starts) end(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.last = now
}

// yield returns how long the removal of something that could be removed since the given time lets starts go first; 0 when it need not.
func (s *starts) yield(since, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := since.Add(yieldMost).Sub(now)
	if s.running > 0 {
		return max(0, min(yieldQuiet, most))
	}
	return max(0, min(s.last.Add(yieldQuiet).Sub(now), most))
}
