package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadJUnit(t *testing.T) {
	got, err := readJUnit("testdata/junit_01.xml")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Outcome{
		"[sig-node] Pods pass":     {Verdict: Passed, Seconds: 2.5},
		"[sig-node] Pods fail":     {Verdict: Failed, Seconds: 3.5, Message: "[FAILED] expected pod <x> to run\nIn [It] at: pods.go:12 @ 11/21/26"},
		"[sig-node] Pods panic":    {Verdict: Failed, Seconds: 1, Message: "[PANICKED] Test Panicked"},
		"[sig-node] Pods timedout": {Verdict: Failed, Seconds: 9, Message: "[TIMEDOUT] too long"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// A later run wins over an earlier one, test by test, also when it was worse; a part that was killed takes nothing away.
func TestLatestVerdictCounts(t *testing.T) {
	results := t.TempDir()
	began := time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)
	save(t, results, Run{Started: began, Command: "first"}, parallelPart, map[string]string{"a": "passed", "b": "failed", "c": "passed"})
	save(t, results, Run{Started: began.Add(time.Hour), Command: "second"}, serialPart, map[string]string{"b": "passed", "c": "failed", "d": "interrupted"})
	save(t, results, Run{Started: began.Add(2 * time.Hour), Command: "killed"}, "", nil)
	runs, err := loadRuns(results)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, r := range merge(runs) {
		got[name] = string(r.Verdict) + " in " + r.run.Command
	}
	want := map[string]string{"a": "passed in first", "b": "passed in second", "c": "failed in second"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}

func TestReport(t *testing.T) {
	results := t.TempDir()
	all := []Test{
		{SIG: "sig-b", File: "b.go", Name: "[sig-b] one", Seconds: 3},
		{SIG: "sig-a", File: "a.go", Name: "[sig-a] two", Seconds: 5},
		{SIG: "sig-a", File: "a.go", Name: "[sig-a] three", Seconds: 7},
	}
	began := time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)
	save(t, results, Run{Started: began, Command: "old"}, parallelPart, map[string]string{"[sig-a] two": "passed"})
	save(t, results, Run{Started: began.Add(time.Hour), Command: "make conformance", Server: "v1.36.3+tiphys.1", Nodes: 2, Commit: "abc", Selected: 2},
		parallelPart, map[string]string{"[sig-a] two": "failed", "[sig-b] one": "passed"})
	runs, err := loadRuns(results)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := render(&out, summary(all, runs)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"**1 of 3 pass**, 1 fail, 1 were not run.",
		"| sig-a | 2 | 0 | 1 | 1 |\n| sig-b | 1 | 1 | 0 | 0 |\n",
		"| [sig-a] two | a.go | expected a \\| b | 2026-11-21 21:00:00 |",
		"sig-a:\n\n- [sig-a] three\n",
		"| 2026-11-21 21:00:00 | v1.36.3+tiphys.1 | 2 | abc | 2 | 1 | 1 | `make conformance` |",
		"Sum of the times of the tests that ran: 2 s; upstream's binaries took 8 s",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String()[:min(2500, out.Len())])
		}
	}
	if strings.Contains(out.String(), "`old`") {
		t.Error("a run whose verdicts were all replaced is listed")
	}
}

// The fake suite tells a pipe that it runs, and writes its report only when it is interrupted, as the real one does.
func TestInterruptKeepsTheReport(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	pipe := filepath.Join(bin, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	script := `#!/bin/sh
trap 'cp ` + abs(t, "testdata/junit_01.xml") + ` junit_01.xml; exit 1' INT
echo started > ` + pipe + `
while :; do sleep 0.05; done
`
	if err := os.WriteFile(filepath.Join(bin, "ginkgo"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		if _, err := os.ReadFile(pipe); err != nil {
			t.Error(err)
		}
	}()
	if err := (suiteRunner{bin: bin, output: io.Discard}).run(ctx, dir, []Test{{Name: "x"}}, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := readJUnit(filepath.Join(dir, "junit_01.xml")); err != nil {
		t.Errorf("no report after an interrupt: %v", err)
	}
}

// What was printed survives a suite that is killed before it writes its JUnit file.
func TestProgressIsKeptTestByTest(t *testing.T) {
	results := t.TempDir()
	run, err := newRun(results, Run{Started: time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(run.dir, serialPart)
	if err := os.MkdirAll(part, 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(part, progressFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	output, err := os.ReadFile("testdata/e2e.log")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := newProgress(file, &out, []Test{{Name: "[sig-a] A one [Conformance]"}, {Name: "[sig-a] A two [Serial] [Conformance]"}, {Name: "[sig-a] A three [Conformance]"}})
	// Output arrives in pieces that know nothing of lines.
	for piece := range slices.Chunk(output, 7) {
		if _, err := p.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	printed := "[  1/3] passed    0.0 s  [sig-a] A one [Conformance]\n[  2/3] failed   61.3 s  [sig-a] A two [Serial] [Conformance]\n"
	if diff := cmp.Diff(printed, out.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	runs, err := loadRuns(results)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Outcome{
		"[sig-a] A one [Conformance]":          {Verdict: Passed},
		"[sig-a] A two [Serial] [Conformance]": {Verdict: Failed, Seconds: 61.3},
	}
	if diff := cmp.Diff(want, runs[0].outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestMissingSuiteIsAnError(t *testing.T) {
	s := suiteRunner{bin: t.TempDir(), output: &bytes.Buffer{}}
	if err := s.run(t.Context(), t.TempDir(), []Test{{Name: "x"}}, 1); err == nil {
		t.Error("a run without ginkgo was accepted")
	}
}

func TestReasonIsTheFirstTellingLine(t *testing.T) {
	for name, tc := range map[string]struct{ message, want string }{
		"marker":    {"[FAILED] it broke\nmore", "it broke"},
		"own line":  {"[FAILED]\n\n  it <broke>\n", "it &lt;broke>"},
		"empty":     {"", ""},
		"long line": {strings.Repeat("x", 300), strings.Repeat("x", 200) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := reason(tc.message); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func abs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// save writes a run whose part has these statuses by test name.
func save(t *testing.T, results string, r Run, part string, statuses map[string]string) {
	t.Helper()
	run, err := newRun(results, r)
	if err != nil {
		t.Fatal(err)
	}
	if part == "" {
		return
	}
	var b strings.Builder
	b.WriteString("<testsuites><testsuite>")
	for name, status := range statuses {
		b.WriteString(`<testcase name="[It] ` + name + `" status="` + status + `" time="1"><failure>[FAILED] expected a | b</failure></testcase>`)
	}
	b.WriteString("</testsuite></testsuites>")
	if err := os.MkdirAll(filepath.Join(run.dir, part), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(run.dir, part, "junit_01.xml"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
