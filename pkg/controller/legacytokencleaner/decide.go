package legacytokencleaner

import (
	"time"

	v1 "k8s.io/api/core/v1"
)

// Labels of the API server and of this controller, both with days as values.
const (
	LastUsedLabel     = "kubernetes.io/legacy-token-last-used"
	InvalidSinceLabel = "kubernetes.io/legacy-token-invalid-since"
	day               = "2006-01-02"
)

type action int

const (
	keep action = iota
	invalidate
	remove
)

// decide tells what to do with a secret that its account lists and no pod mounts. Tracking began long enough ago.
func decide(s *v1.Secret, now time.Time, period time.Duration) action {
	used := s.CreationTimestamp.Time
	if text, ok := s.Labels[LastUsedLabel]; ok {
		t, err := time.Parse(day, text)
		if err != nil {
			return keep // not ours to interpret
		}
		used = t
	}
	// A day as a date means any moment of it.
	if used.Add(period + 24*time.Hour).After(now) {
		return keep
	}
	text, ok := s.Labels[InvalidSinceLabel]
	if !ok {
		return invalidate
	}
	since, err := time.Parse(day, text)
	if err != nil {
		return invalidate
	}
	if since.Add(period + 24*time.Hour).After(now) {
		return keep
	}
	return remove
}
