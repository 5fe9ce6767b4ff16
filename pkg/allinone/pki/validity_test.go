package pki

import (
	"strings"
	"testing"
	"time"
)

// A clock that jumped is named, and nothing is made anew for it.
func TestClockJump(t *testing.T) {
	cases := []struct {
		name          string
		jump          time.Duration
		ensure, check string
	}{
		{"a second", time.Second, "", ""},
		{"a minute back: within what certificates allow", -time.Minute, "", ""},
		{"back to before the cluster", -24 * time.Hour, "set the clock right", "set the clock right"},
		{"back to the epoch", -t0.Sub(time.Unix(0, 0)), "clock says 1970-01-01", "clock says 1970-01-01"},
		// A start renews what has run out; a running server cannot use it before.
		{"two years on", 2 * 365 * 24 * time.Hour, "", "has expired on"},
		{"a lifetime on", 20 * 365 * 24 * time.Hour, "has expired on", "has expired on"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t.TempDir())
			files, err := Ensure(cfg)
			if err != nil {
				t.Fatal(err)
			}
			before := contents(t, cfg.Dir)
			cfg.Now = t0.Add(c.jump)
			says := func(what string, err error, want string) {
				t.Helper()
				if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("%s: %v, want %q", what, err, want)
				}
			}
			says("Check", files.Check(cfg.Now), c.check)
			_, err = Ensure(cfg)
			says("Ensure", err, c.ensure)
			if got := changed(before, contents(t, cfg.Dir)); c.ensure != "" && got != "" {
				t.Errorf("made anew: %s", got)
			}
		})
	}
}
