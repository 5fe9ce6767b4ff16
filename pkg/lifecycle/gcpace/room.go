package gcpace

import "time"

// sample is what is known when a collection has ended.
type sample struct {
	// live is what the collection found in use: heap, and the stacks and globals that Go's percentage counts too.
	live uint64
	// allocated since the collection before, which took this long.
	allocated uint64
	since     time.Duration
}

// room is how many bytes may be allocated until the next collection.
func (c Config) room(s sample) uint64 {
	least := s.live * uint64(c.IdlePercent) / 100
	if s.since <= 0 {
		return max(least, c.Room)
	}
	wanted := uint64(float64(s.allocated) * float64(c.Interval) / float64(s.since))
	// A large heap is worth a large room: to collect it costs in proportion to what lives in it. Not more than Room for all that.
	return min(max(wanted, least), max(c.Room, s.live/4))
}

// percent is how Go is told.
func percent(room, live uint64) int {
	if live == 0 {
		return 100
	}
	return int(max(1, room*100/live))
}

// near tells that a change of percentage is not worth stopping the world for a moment.
func near(a, b int) bool {
	return a*10 >= b*9 && b*10 >= a*9
}
