package evictplan

import (
	"time"
)

// Amount is what a signal says.
type Amount struct{ Available, Capacity int64 }

// Observation is what was measured, by signal. A signal that is missing says nothing.
type Observation map[Signal]Amount

// key names a threshold in the state.
type key struct {
	signal Signal
	hard   bool
}

// State is what must be remembered from one decision to the next. The zero State is a good start.
type State struct {
	// firstMet is since when a threshold is met without a break.
	firstMet map[key]time.Time
	// lastMet is when a condition was last seen true.
	lastMet [3]time.Time
}

const (
	memory = iota
	disk
	pid
)

func conditionOf(s Signal) int {
	switch s {
	case MemoryAvailable:
		return memory
	case PIDAvailable:
		return pid
	default:
		return disk
	}
}

// Decision is what follows from an observation.
type Decision struct {
	Conditions Conditions
	// Act are the thresholds whose grace has passed, the most urgent first.
	Act []Threshold
}

// Decide compares the observation with the thresholds. Conditions stay true for transition after they were last met, so that a node
// at the edge does not flap. state is not changed.
func Decide(state State, thresholds []Threshold, obs Observation, now time.Time, transition time.Duration) (State, Decision) {
	next := State{firstMet: map[key]time.Time{}, lastMet: state.lastMet}
	var out Decision
	for _, t := range thresholds {
		amount, ok := obs[t.Signal]
		k := key{t.Signal, t.Hard}
		since, was := state.firstMet[k]
		if !ok {
			if was {
				next.firstMet[k] = since // not measured this time: neither met nor over
			}
			continue
		}
		// While a threshold is being dealt with it stays met until the minimum reclaim is free too.
		if !Met(t, amount, was) {
			continue
		}
		if !was {
			since = now
		}
		next.firstMet[k] = since
		next.lastMet[conditionOf(t.Signal)] = now
		if now.Sub(since) >= t.Grace {
			out.Act = append(out.Act, t)
		}
	}
	on := func(c int) bool { return !next.lastMet[c].IsZero() && now.Sub(next.lastMet[c]) < max(transition, 1) }
	out.Conditions = Conditions{Memory: on(memory), Disk: on(disk), PID: on(pid)}
	return next, out
}

// Met tells whether too little is left. With reclaim, the minimum reclaim must be free as well.
func Met(t Threshold, a Amount, reclaim bool) bool {
	limit := t.Value.Of(a.Capacity)
	if reclaim {
		limit += t.MinReclaim.Of(a.Capacity)
	}
	return a.Available < limit
}
