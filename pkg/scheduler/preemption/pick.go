package preemption

import (
	"math"

	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
)

// Pick returns the candidate that does the least harm. Each rule keeps the best of what the rules before left:
// fewest violated budgets, least important most important victim, smallest sum of priorities, fewest victims, and the most
// important victims having run for the shortest time.
func Pick(candidates []Candidate) *Candidate {
	if len(candidates) == 0 {
		return nil
	}
	left := make([]*Candidate, len(candidates))
	for i := range candidates {
		left[i] = &candidates[i]
	}
	rules := []func(*Candidate) int64{
		func(c *Candidate) int64 { return c.Violations },
		func(c *Candidate) int64 { return int64(corev1helpers.PodPriority(c.Victims[0])) },
		func(c *Candidate) int64 {
			sum := int64(0)
			for _, victim := range c.Victims {
				// Shifted to be positive, so that many victims of negative priority are not better than one.
				sum += int64(corev1helpers.PodPriority(victim)) + int64(math.MaxInt32+1)
			}
			return sum
		},
		func(c *Candidate) int64 { return int64(len(c.Victims)) },
		func(c *Candidate) int64 { return -earliestStart(c) },
	}
	for _, rule := range rules {
		if len(left) == 1 {
			break
		}
		best := int64(math.MaxInt64)
		var kept []*Candidate
		for _, candidate := range left {
			switch value := rule(candidate); {
			case value < best:
				best, kept = value, append(kept[:0:0], candidate)
			case value == best:
				kept = append(kept, candidate)
			}
		}
		left = kept
	}
	return left[0]
}

// earliestStart is when the oldest of the most important victims started.
func earliestStart(c *Candidate) int64 {
	highest := corev1helpers.PodPriority(c.Victims[0])
	earliest := startOf(c.Victims[0]).UnixNano()
	for _, victim := range c.Victims {
		if corev1helpers.PodPriority(victim) == highest {
			earliest = min(earliest, startOf(victim).UnixNano())
		}
	}
	return earliest
}
