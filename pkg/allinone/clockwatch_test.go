package allinone

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
)

func TestClockWatch(t *testing.T) {
	cases := []struct {
		name  string
		moved []time.Duration // by how much the clock is off at each look
		want  []time.Duration
	}{
		{"steady", []time.Duration{0, 0, 0}, nil},
		{"slewed", []time.Duration{time.Second, 2 * time.Second, 5 * time.Second}, nil},
		{"an hour on", []time.Duration{0, time.Hour, time.Hour}, []time.Duration{time.Hour}},
		{"a day back and right again", []time.Duration{-24 * time.Hour, 0}, []time.Duration{-24 * time.Hour, 24 * time.Hour}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []time.Duration
				n, began := -1, time.Now()
				broken := errors.New("expired")
				w := &clockWatch{
					clock:   clock.RealClock{},
					running: func() time.Duration { return time.Since(began) },
					wall: func() time.Time {
						now := time.Now()
						if n++; n > 0 {
							now = now.Add(c.moved[n-1])
						}
						return now.Round(0)
					},
					check: func(now time.Time) error { return broken },
					tell: func(by time.Duration, problem error) {
						told = append(told, by)
						if !errors.Is(problem, broken) {
							t.Errorf("told %v", problem)
						}
					},
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(len(c.moved))*clockLook+time.Second)
				defer cancel()
				if err := w.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Run: %v", err)
				}
				if len(told) != len(c.want) {
					t.Fatalf("told %v, want %v", told, c.want)
				}
				for i := range told {
					if told[i] != c.want[i] {
						t.Errorf("told %v, want %v", told, c.want)
					}
				}
			})
		})
	}
}
