package clients

import (
	"fmt"
	"os"
	"strings"
)

// report gathers the counts of a run of the suites; without a path it writes nothing.
type report struct {
	path string
	rows []string
}

func (r *report) add(s suite, version, pkg string, all map[side]outcomes, differ []string) {
	a, b := all[upstream], all[ours]
	r.rows = append(r.rows, fmt.Sprintf("| %s %s | %s | %d / %d / %d | %d / %d / %d | %d |", s.path, version, pkg,
		a.count("passed"), a.count("failed"), a.count("skipped"), b.count("passed"), b.count("failed"), b.count("skipped"), len(differ)))
}

func (r *report) write() error {
	if r.path == "" {
		return nil
	}
	head := "| module | package | upstream: passed / failed / skipped | ours | differ |\n|---|---|---|---|---|\n"
	if err := os.WriteFile(r.path, []byte(head+strings.Join(r.rows, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("writing the counts: %w", err)
	}
	return nil
}
