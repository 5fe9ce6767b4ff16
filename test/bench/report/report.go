// Package report keeps measured figures and shows them as a page.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Row is one figure of both sides.
type Row struct {
	Scenario string `json:"scenario"`
	Name     string `json:"name"`
	Unit     string `json:"unit"`
	// MoreIsBetter tells rates from costs.
	MoreIsBetter bool `json:"moreIsBetter,omitempty"`
	// Goal is the wanted ratio of ours to upstream's; 0 for none.
	Goal float64 `json:"goal,omitempty"`
	// Values by side, "upstream" and "tiphys".
	Values map[string]float64 `json:"values"`
	// When it was measured, by side.
	When map[string]time.Time `json:"when"`
	Note string               `json:"note,omitempty"`
}

// Report is all rows, in the order of their first appearance.
type Report struct {
	Machine string `json:"machine"`
	Rows    []*Row `json:"rows"`
}

// Load reads a report; a missing file is an empty one.
func Load(path string) (*Report, error) {
	r := &Report{}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return r, nil
}

// Save writes a report.
func (r *Report) Save(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// Set records one side's figure.
func (r *Report) Set(side string, value float64, like Row, now time.Time) {
	for _, row := range r.Rows {
		if row.Scenario == like.Scenario && row.Name == like.Name {
			row.Values[side], row.When[side] = value, now
			row.Unit, row.MoreIsBetter, row.Goal, row.Note = like.Unit, like.MoreIsBetter, like.Goal, like.Note
			return
		}
	}
	like.Values, like.When = map[string]float64{side: value}, map[string]time.Time{side: now}
	r.Rows = append(r.Rows, &like)
}

// Sides of a comparison.
const (
	Upstream = "upstream"
	Ours     = "tiphys"
)

// Markdown shows the report.
func (r *Report) Markdown(titles map[string]string, order []string) string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nUpstream's binaries (1.36.3) and ours, in turn in one run on one machine, made by `make bench`\n" +
		"(program and sizes: `test/bench`). Absolute figures depend on the machine and on what else it does;\ncompare the ratios. This page is generated: do not edit it.\n\n")
	fmt.Fprintf(&b, "Machine: %s.\n", r.Machine)
	for _, scenario := range order {
		rows := false
		for _, row := range r.Rows {
			if row.Scenario != scenario {
				continue
			}
			if !rows {
				fmt.Fprintf(&b, "\n## %s\n\nRepeat with `make bench BENCH_FLAGS='-run %s'`.\n\n| | upstream | tiphys | ratio | wanted |\n|---|--:|--:|--:|--:|\n", titles[scenario], scenario)
				rows = true
			}
			b.WriteString(row.markdown())
		}
	}
	return b.String()
}

func (row *Row) markdown() string {
	show := func(side string) string {
		v, ok := row.Values[side]
		if !ok {
			return "—"
		}
		return format(v) + " " + row.Unit
	}
	ratio, goal := "", ""
	up, ok1 := row.Values[Upstream]
	our, ok2 := row.Values[Ours]
	if ok1 && ok2 && up > 0 {
		q := our / up
		ratio = fmt.Sprintf("%.2f", q)
		if row.Goal > 0 && (row.MoreIsBetter && q < row.Goal || !row.MoreIsBetter && q > row.Goal) {
			ratio += " (missed)"
		}
	}
	if row.Goal > 0 {
		goal = fmt.Sprintf("≤ %.2f", row.Goal)
		if row.MoreIsBetter {
			goal = fmt.Sprintf("≥ %.2f", row.Goal)
		}
	}
	name := row.Name
	if row.Note != "" {
		name += " (" + row.Note + ")"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", name, show(Upstream), show(Ours), ratio, goal)
}

func format(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
