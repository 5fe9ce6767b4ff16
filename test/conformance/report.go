package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"
	"time"
)

//go:embed testdata/conformance.md.tmpl
var pageTemplate string

// page is what the template shows.
type page struct {
	Total, Passed, Failed, NotRun int
	SIGs                          []sigRow
	Failures                      []failure
	Missing                       []missingSIG
	Runs                          []runRow
	Seconds, UpstreamSeconds      float64
}

type sigRow struct {
	SIG                           string
	Total, Passed, Failed, NotRun int
}

type failure struct{ Name, File, Reason, Date string }

type missingSIG struct {
	SIG   string
	Names []string
}

type runRow struct {
	Date, Server, Commit, Command  string
	Nodes, Selected, Passed, Fails int
	Interrupted                    bool
}

// reportCommand is `conformance report`.
func reportCommand(args []string) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	results := flags.String("results", "_output/conformance", "directory that keeps every run")
	out := flags.String("o", "docs/conformance.md", "page to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := suite()
	if err != nil {
		return err
	}
	runs, err := loadRuns(*results)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		return fmt.Errorf("no runs in %s", *results)
	}
	var text strings.Builder
	if err := render(&text, summary(all, runs)); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(*out, []byte(text.String()), 0o644)
}

func render(w io.Writer, p page) error {
	t, err := template.New("conformance.md").Parse(pageTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// summary counts every test of the suite once, by its latest verdict.
func summary(all []Test, runs []Run) page {
	merged := merge(runs)
	p := page{Total: len(all)}
	sigs := map[string]*sigRow{}
	missing := map[string][]string{}
	credit := map[*Run][2]int{}
	for _, t := range all {
		row := sigs[t.SIG]
		if row == nil {
			row = &sigRow{SIG: t.SIG}
			sigs[t.SIG] = row
		}
		row.Total++
		r, ok := merged[t.Name]
		if !ok {
			row.NotRun++
			p.NotRun++
			missing[t.SIG] = append(missing[t.SIG], t.Name)
			continue
		}
		p.Seconds += r.Seconds
		p.UpstreamSeconds += t.Seconds
		counts := credit[r.run]
		if r.Verdict == Passed {
			row.Passed++
			p.Passed++
			counts[0]++
		} else {
			row.Failed++
			p.Failed++
			counts[1]++
			p.Failures = append(p.Failures, failure{Name: t.Name, File: t.File, Reason: reason(r.Message), Date: r.run.Started.UTC().Format(time.DateTime)})
		}
		credit[r.run] = counts
	}
	for _, row := range sigs {
		p.SIGs = append(p.SIGs, *row)
	}
	sort.Slice(p.SIGs, func(i, j int) bool { return p.SIGs[i].SIG < p.SIGs[j].SIG })
	for _, row := range p.SIGs {
		if names := missing[row.SIG]; len(names) > 0 {
			p.Missing = append(p.Missing, missingSIG{SIG: row.SIG, Names: names})
		}
	}
	p.Runs = rows(runs, credit)
	return p
}

// rows lists the runs that a verdict of the page is from, oldest first.
func rows(runs []Run, credit map[*Run][2]int) []runRow {
	var list []runRow
	for i := range runs {
		r := &runs[i]
		counts, ok := credit[r]
		if !ok {
			continue
		}
		list = append(list, runRow{
			Date: r.Started.UTC().Format(time.DateTime), Server: r.Server, Commit: r.Commit, Command: cell(r.Command),
			Nodes: r.Nodes, Selected: r.Selected, Passed: counts[0], Fails: counts[1], Interrupted: r.Interrupted,
		})
	}
	return list
}

// maxReason keeps a table cell readable.
const maxReason = 200

// reason is the first telling line of a failure, fit for a table cell.
func reason(message string) string {
	for line := range strings.Lines(message) {
		line = strings.TrimSpace(line)
		line = strings.TrimSpace(strings.TrimPrefix(line, "[FAILED]"))
		if line == "" || strings.HasPrefix(line, "In [") {
			continue
		}
		if runes := []rune(line); len(runes) > maxReason {
			line = string(runes[:maxReason]) + "…"
		}
		return strings.ReplaceAll(cell(line), "<", "&lt;")
	}
	return ""
}

// cell keeps text from ending a table's cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
