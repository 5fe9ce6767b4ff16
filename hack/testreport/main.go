// Command testreport turns the JSON of `go test -json` into something people read: one line for
// each package, and the output of what failed. With -count it prints only the totals of all tests
// (subtests included) as "N passed, N failed, N skipped". It fails when a test or a package did.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of `go test -json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

type tally struct{ passed, failed, skipped int }

func main() {
	count := flag.Bool("count", false, "print the totals only")
	flag.Parse()
	out := io.Writer(os.Stdout)
	if *count {
		out = io.Discard
	}
	total, broken, err := report(os.Stdin, out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(2)
	}
	if *count {
		if broken > 0 {
			fmt.Printf("%d packages failed\n", broken)
		}
		fmt.Printf("%d passed, %d failed, %d skipped\n", total.passed, total.failed, total.skipped)
	}
	if total.failed > 0 || broken > 0 {
		os.Exit(1)
	}
}

// report reads events to the end. broken counts packages that failed, with or without a test.
func report(in io.Reader, out io.Writer) (total tally, broken int, err error) {
	outputs := map[string]*strings.Builder{} // by package and test, until it is known to have passed
	keep := func(key, text string) {
		if outputs[key] == nil {
			outputs[key] = &strings.Builder{}
		}
		outputs[key].WriteString(text)
	}
	show := func(key string) {
		if text := outputs[key]; text != nil {
			fmt.Fprint(out, text.String())
		}
		delete(outputs, key)
	}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var e event
		if json.Unmarshal(scanner.Bytes(), &e) != nil {
			fmt.Fprintln(out, scanner.Text()) // not from a test: a message of the go command itself
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			keep(key, e.Output)
		case "build-output":
			keep("build "+e.ImportPath, e.Output)
		case "pass", "skip", "fail":
			if e.Test != "" {
				total.count(e.Action)
			}
			if e.Action == "fail" {
				if e.FailedBuild != "" {
					show("build " + e.FailedBuild)
				}
				show(key)
			}
			delete(outputs, key)
			if e.Test == "" {
				if e.Action == "fail" {
					broken++
				}
				fmt.Fprintf(out, "%-4s %s %.1fs\n", word(e.Action), e.Package, e.Elapsed)
			}
		}
	}
	return total, broken, scanner.Err()
}

func (t *tally) count(action string) {
	switch action {
	case "pass":
		t.passed++
	case "fail":
		t.failed++
	case "skip":
		t.skipped++
	}
}

// word names a package's result; "skip" means that it has no tests.
func word(action string) string {
	switch action {
	case "pass":
		return "ok"
	case "skip":
		return "-"
	}
	return "FAIL"
}
