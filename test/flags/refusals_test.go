package flags

import (
	"strings"
	"testing"
)

// refused is a value that no server takes.
type refused struct {
	args  []string
	files map[string]string
	// says is what both say, where the words around it differ; empty compares all.
	says string
	// panics says that upstream does so, where ours says what is wrong.
	panics bool
}

// line is a refusal of arguments alone.
func line(args ...string) refused { return refused{args: args} }

// TestFlagRefusals starts both servers with values that make no sense.
func TestFlagRefusals(t *testing.T) {
	b := newBench(t)
	slots := make(chan struct{}, 2)
	for _, r := range refusals {
		t.Run(strings.Join(r.args, " "), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			got := map[string]string{}
			for _, side := range []string{upstream, ours} {
				s := b.start(t, side, settings{args: r.args, files: r.files, unready: true})
				text := "it runs"
				if !s.Ended() {
					s.stop()
				} else {
					text = s.refusal()
				}
				got[side] = text
			}
			theirs, mine := got[upstream], got[ours]
			code := func(text string) string { c, _, _ := strings.Cut(text, ":"); return c }
			switch {
			case theirs == "it runs":
				t.Errorf("upstream takes it; ours: %s", mine)
			case r.panics:
				if theirs != "2: no reason" || code(mine) != "1" {
					t.Errorf("theirs %s\nours   %s", theirs, mine)
				}
			case code(theirs) != code(mine), r.says == "" && !alike(theirs, mine), !strings.Contains(theirs, r.says), !strings.Contains(mine, r.says):
				t.Errorf("they do not say the same:\ntheirs %s\nours   %s", theirs, mine)
			}
		})
	}
}

// alike tells whether two refusals end with the same words: what was being done stands before them, as each program puts it.
func alike(a, b string) bool {
	short, long := a, b
	if len(short) > len(long) {
		short, long = long, short
	}
	for at := 0; ; {
		if end := short[at:]; 3*len(end) >= len(short) && strings.HasSuffix(long, end) {
			return true
		}
		next := strings.Index(short[at:], ": ")
		if next < 0 {
			return false
		}
		at += next + 2
	}
}
