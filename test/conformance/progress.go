package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// progressFile is written test by test, beside the JUnit file that appears only at the end: a suite that is killed, or whose
// machine stops, keeps what it had done.
const progressFile = "progress.tsv"

// progress reads the suite's verbose output as it comes, writes every verdict down and prints it. (The suite's own progress reports do not
// name tests that ran.)
type progress struct {
	file, out io.Writer
	names     map[string]bool // tests that were asked for
	done      int
	rest      []byte   // an unfinished line
	pending   *Outcome // the verdict whose name is on the next line
}

func newProgress(file, out io.Writer, tests []Test) *progress {
	p := &progress{file: file, out: out, names: map[string]bool{}}
	for _, t := range tests {
		p.names[t.Name] = true
	}
	return p
}

// Write takes a piece of the output.
func (p *progress) Write(data []byte) (int, error) {
	p.rest = append(p.rest, data...)
	for {
		line, rest, ok := bytes.Cut(p.rest, []byte("\n"))
		if !ok {
			return len(data), nil
		}
		p.rest = rest
		if err := p.line(string(line)); err != nil {
			return 0, err
		}
	}
}

// verdictLine begins the report of a test: "• [2.5 seconds]" or "• [FAILED] [2.5 seconds]".
var verdictLine = regexp.MustCompile(`^• (?:\[([A-Z]+)\] )?\[([0-9.]+) seconds\]`)

func (p *progress) line(line string) error {
	if p.pending != nil {
		o := *p.pending
		p.pending = nil
		if name := p.nameIn(line); name != "" {
			return p.record(name, o)
		}
		return nil
	}
	m := verdictLine.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	seconds, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return nil
	}
	switch m[1] {
	case "":
		p.pending = &Outcome{Verdict: Passed, Seconds: seconds}
	case "FAILED", "PANICKED", "TIMEDOUT":
		p.pending = &Outcome{Verdict: Failed, Seconds: seconds}
	}
	return nil
}

// labels stand after a name; the kind of the step that failed stands within it.
var (
	labels     = regexp.MustCompile(` \[[^\]]*\]$`)
	failedStep = regexp.MustCompile(`\[(It|BeforeEach|JustBeforeEach|AfterEach|JustAfterEach|DeferCleanup \(Each\))\] `)
)

// nameIn finds the test a line names, or nothing.
func (p *progress) nameIn(line string) string {
	for _, candidate := range []string{line, labels.ReplaceAllString(line, "")} {
		for _, name := range []string{candidate, failedStep.ReplaceAllString(candidate, "")} {
			if p.names[name] {
				return name
			}
		}
	}
	return ""
}

func (p *progress) record(name string, o Outcome) error {
	p.done++
	if _, err := fmt.Fprintf(p.file, "%s\t%.1f\t%s\n", o.Verdict, o.Seconds, name); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "[%3d/%d] %s %6.1f s  %s\n", p.done, len(p.names), o.Verdict, o.Seconds, name)
	return err
}

// readProgress returns the verdicts of a progress file, without messages; a file that is not there has none.
func readProgress(path string) (map[string]Outcome, error) {
	outcomes := map[string]Outcome{}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return outcomes, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		columns := strings.SplitN(s.Text(), "\t", 3)
		if len(columns) != 3 {
			continue // a line cut short by the end of the machine
		}
		seconds, err := strconv.ParseFloat(columns[1], 64)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		outcomes[columns[2]] = Outcome{Verdict: Verdict(columns[0]), Seconds: seconds}
	}
	return outcomes, s.Err()
}
