package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

//go:embed testdata/conformance-1.36.tsv
var suiteTable string

// Test is one row of the suite.
type Test struct {
	SIG, File, Name string
	// Serial tests must run alone.
	Serial bool
	// Seconds upstream took on the reference machine.
	Seconds float64
}

// suite reads the list of all tests.
func suite() ([]Test, error) {
	lines := strings.Split(strings.TrimSpace(suiteTable), "\n")
	tests := make([]Test, 0, len(lines)-1)
	for i, line := range lines[1:] {
		columns := strings.Split(line, "\t")
		if len(columns) != 5 {
			return nil, fmt.Errorf("line %d of the suite's list has %d columns, want 5", i+2, len(columns))
		}
		seconds, err := strconv.ParseFloat(columns[3], 64)
		if err != nil {
			return nil, fmt.Errorf("line %d of the suite's list: %w", i+2, err)
		}
		tests = append(tests, Test{SIG: columns[0], File: columns[1], Serial: columns[2] != "-", Seconds: seconds, Name: columns[4]})
	}
	return tests, nil
}

// selectTests picks tests. A focus is empty for all, a source file (node/pods.go means every file whose path ends so), a SIG, or a regular expression
// on the name.
func selectTests(all []Test, focus string) ([]Test, error) {
	var match func(Test) bool
	switch {
	case focus == "":
		return all, nil
	case strings.HasSuffix(focus, ".go"):
		match = func(t Test) bool { return t.File == focus || strings.HasSuffix(t.File, "/"+focus) }
	case strings.HasPrefix(focus, "sig-"):
		match = func(t Test) bool { return t.SIG == focus }
	default:
		re, err := regexp.Compile(focus)
		if err != nil {
			return nil, fmt.Errorf("reading the focus: %w", err)
		}
		match = func(t Test) bool { return re.MatchString(t.Name) }
	}
	picked := filter(all, match)
	if len(picked) == 0 {
		return nil, fmt.Errorf("no conformance test matches %q", focus)
	}
	return picked, nil
}

func filter(tests []Test, keep func(Test) bool) []Test {
	var kept []Test
	for _, t := range tests {
		if keep(t) {
			kept = append(kept, t)
		}
	}
	return kept
}

// pattern is the regular expression that matches exactly these tests. Ginkgo puts the name of the suite before theirs.
func pattern(tests []Test) string {
	names := make([]string, len(tests))
	for i, t := range tests {
		names[i] = regexp.QuoteMeta(t.Name)
	}
	return "(^| )(" + strings.Join(names, "|") + ")$"
}
