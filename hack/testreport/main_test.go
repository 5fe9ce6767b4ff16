package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	cases := []struct {
		name, in string
		want     tally
		broken   int
		shown    string
		hidden   string
	}{
		{"passes are silent", `{"Action":"output","Package":"p","Test":"A","Output":"noise\n"}
{"Action":"pass","Package":"p","Test":"A"}
{"Action":"pass","Package":"p","Elapsed":0.5}`, tally{passed: 1}, 0, "ok   p 0.5s", "noise"},
		{"a failure shows its output", `{"Action":"output","Package":"p","Test":"A","Output":"want 1\n"}
{"Action":"fail","Package":"p","Test":"A"}
{"Action":"fail","Package":"p"}`, tally{failed: 1}, 1, "want 1", ""},
		{"a build that fails counts without a test", `{"ImportPath":"p [p.test]","Action":"build-output","Output":"undefined: x\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`, tally{}, 1, "undefined: x", ""},
		{"skipped", `{"Action":"skip","Package":"p","Test":"A"}
{"Action":"pass","Package":"p"}`, tally{skipped: 1}, 0, "ok", ""},
		{"a message that is no JSON", "go: cannot find module", tally{}, 0, "cannot find", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			got, broken, err := report(strings.NewReader(c.in), &out)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want || broken != c.broken {
				t.Errorf("got %+v, %d broken; want %+v, %d", got, broken, c.want, c.broken)
			}
			if !strings.Contains(out.String(), c.shown) {
				t.Errorf("output %q lacks %q", out.String(), c.shown)
			}
			if c.hidden != "" && strings.Contains(out.String(), c.hidden) {
				t.Errorf("output %q shows %q", out.String(), c.hidden)
			}
		})
	}
}
