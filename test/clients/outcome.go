package clients

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// outcomes is what became of every test of a run: passed, failed or skipped, by its name.
type outcomes map[string]string

// mark is how `go test -v` ends a test.
var mark = regexp.MustCompile(`(?m)^\s*--- (PASS|FAIL|SKIP): (.+) \(\d+\.\d+s\)$`)

// fromGo adds what a test binary printed.
func (o outcomes) fromGo(log []byte) {
	words := map[string]string{"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
	for _, m := range mark.FindAllSubmatch(log, -1) {
		o.add(string(m[2]), words[string(m[1])])
	}
}

// fromJUnit adds what ginkgo reported, which knows more than its one Go test.
func (o outcomes) fromJUnit(report []byte) error {
	var suites struct {
		Suites []struct {
			Cases []struct {
				Name   string `xml:"name,attr"`
				Status string `xml:"status,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(report, &suites); err != nil {
		return fmt.Errorf("reading ginkgo's report: %w", err)
	}
	for _, s := range suites.Suites {
		for _, c := range s.Cases {
			status := c.Status
			switch status {
			case "passed":
			case "pending", "skipped":
				status = "skipped"
			default:
				status = "failed"
			}
			if strings.HasPrefix(c.Name, "[It]") {
				o.add(c.Name, status)
			}
		}
	}
	return nil
}

// add keeps tests of one name apart.
func (o outcomes) add(name, status string) {
	name = strings.ToValidUTF8(name, "?")
	unique := name
	for i := 2; o[unique] != ""; i++ {
		unique = fmt.Sprintf("%s (%d)", name, i)
	}
	o[unique] = status
}

func (o outcomes) count(status string) int {
	n := 0
	for _, s := range o {
		if s == status {
			n++
		}
	}
	return n
}

func (o outcomes) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", o.count("passed"), o.count("failed"), o.count("skipped"))
}

// differences tells each test that fared otherwise on the two sides.
func differences(a, b outcomes) []string {
	var out []string
	for name, was := range a {
		if b[name] != was {
			out = append(out, fmt.Sprintf("%s: %s with upstream, %s with ours", name, was, or(b[name], "not run")))
		}
	}
	for name, is := range b {
		if a[name] == "" {
			out = append(out, fmt.Sprintf("%s: not run with upstream, %s with ours", name, is))
		}
	}
	slices.Sort(out)
	return out
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
