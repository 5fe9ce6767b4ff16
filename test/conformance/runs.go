package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// Run describes one invocation of the suite; it is kept as run.json beside the JUnit files.
type Run struct {
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	// Command that a reader can repeat.
	Command string `json:"command"`
	// Server is the version the API server reported, Nodes how many there were.
	Server string `json:"server"`
	Nodes  int    `json:"nodes"`
	// Commit of this checkout.
	Commit string `json:"commit"`
	// Selected tests.
	Selected int `json:"selected"`
	// Interrupted says that not all selected tests had their turn.
	Interrupted bool `json:"interrupted,omitempty"`

	dir      string
	outcomes map[string]Outcome
}

// newRun makes a directory for a run.
func newRun(results string, r Run) (*Run, error) {
	r.dir = filepath.Join(results, r.Started.UTC().Format("20060102T150405.000Z"))
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return nil, err
	}
	return &r, r.save()
}

func (r *Run) save() error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.dir, "run.json"), append(data, '\n'), 0o644)
}

// loadRuns reads all runs with their outcomes, oldest first.
func loadRuns(results string) ([]Run, error) {
	files, err := filepath.Glob(filepath.Join(results, "*", "run.json"))
	if err != nil {
		return nil, err
	}
	runs := make([]Run, 0, len(files))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		r := Run{dir: filepath.Dir(file), outcomes: map[string]Outcome{}}
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		if err := r.load(); err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	sort.Slice(runs, func(i, j int) bool { return runs[i].Started.Before(runs[j].Started) })
	return runs, nil
}

// load reads what the parts of a run left: the verdicts written test by test, and over them the JUnit file, which also knows times
// and messages but is there only when the suite came to its end.
func (r *Run) load() error {
	for _, part := range []string{parallelPart, serialPart} {
		outcomes, err := readProgress(filepath.Join(r.dir, part, progressFile))
		if err != nil {
			return err
		}
		maps.Copy(r.outcomes, outcomes)
		outcomes, err = readJUnit(filepath.Join(r.dir, part, "junit_01.xml"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		maps.Copy(r.outcomes, outcomes)
	}
	return nil
}

// result is the latest outcome of a test and the run it is from.
type result struct {
	Outcome
	run *Run
}

// merge takes the latest outcome of every test.
func merge(runs []Run) map[string]result {
	merged := map[string]result{}
	for i := range runs {
		for name, o := range runs[i].outcomes {
			merged[name] = result{Outcome: o, run: &runs[i]}
		}
	}
	return merged
}
