package report

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRowsAreMergedAndJudged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	r, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	r.Set(Upstream, 200, Row{Scenario: "s", Name: "memory", Unit: "MiB", Goal: 0.5}, time.Unix(1, 0))
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	if r, err = Load(path); err != nil {
		t.Fatal(err)
	}
	r.Set(Ours, 110, Row{Scenario: "s", Name: "memory", Unit: "MiB", Goal: 0.5}, time.Unix(2, 0))
	r.Set(Upstream, 10, Row{Scenario: "s", Name: "rate", Unit: "/s", MoreIsBetter: true, Goal: 1.5}, time.Unix(2, 0))
	r.Set(Ours, 20, Row{Scenario: "s", Name: "rate", Unit: "/s", MoreIsBetter: true, Goal: 1.5}, time.Unix(2, 0))
	r.Set(Upstream, 3, Row{Scenario: "s", Name: "one side", Unit: "s"}, time.Unix(2, 0))
	got := r.Markdown(map[string]string{"s": "Title"}, []string{"s"})
	for _, want := range []string{
		"## Title",
		"| memory | 200 MiB | 110 MiB | 0.55 (missed) | ≤ 0.50 |",
		"| rate | 10.0 /s | 20.0 /s | 2.00 | ≥ 1.50 |",
		"| one side | 3.00 s | — |  |  |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in:\n%s", want, got)
		}
	}
}
