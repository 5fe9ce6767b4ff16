package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
)

// Verdict of one test.
type Verdict string

// A test without a verdict was not run.
const (
	Passed Verdict = "passed"
	Failed Verdict = "failed"
)

// Outcome is what one run says of one test.
type Outcome struct {
	Verdict Verdict
	Seconds float64
	// Message is the failure's text.
	Message string
}

type junitFile struct {
	Suites []struct {
		Cases []struct {
			Name    string  `xml:"name,attr"`
			Status  string  `xml:"status,attr"`
			Time    float64 `xml:"time,attr"`
			Failure *struct {
				Text string `xml:",chardata"`
			} `xml:"failure"`
			Error *struct {
				Text string `xml:",chardata"`
			} `xml:"error"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

// specPrefix stands before the name of a test, as opposed to the suite's own steps.
const specPrefix = "[It] "

// readJUnit returns the outcomes of a JUnit file by test name. A test that was cut short by an interrupt has none; one that panicked or ran
// out of time has failed.
func readJUnit(file string) (map[string]Outcome, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var parsed junitFile
	if err := xml.Unmarshal(data, &parsed); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	outcomes := map[string]Outcome{}
	for _, s := range parsed.Suites {
		for _, c := range s.Cases {
			name, ok := strings.CutPrefix(c.Name, specPrefix)
			if !ok {
				continue
			}
			outcome := Outcome{Seconds: c.Time}
			switch c.Status {
			case "passed":
				outcome.Verdict = Passed
			case "failed", "panicked", "timedout":
				outcome.Verdict = Failed
			default: // skipped, pending, interrupted, aborted
				continue
			}
			if c.Failure != nil {
				outcome.Message = c.Failure.Text
			} else if c.Error != nil {
				outcome.Message = c.Error.Text
			}
			outcomes[name] = outcome
		}
	}
	return outcomes, nil
}
