package sysctl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Setting is one parameter with the value a node needs.
type Setting struct{ Name, Value string }

// Node is what a node needs:
// memory is given out without reserving it (the kubelet and cgroups watch over it), the kernel kills a task and does not panic when
// memory ends, a panic or an oops restarts the machine, and keys do not run out with many containers.
func Node() []Setting {
	return []Setting{
		{"vm/overcommit_memory", "1"},
		{"vm/panic_on_oom", "0"},
		{"kernel/panic", "10"},
		{"kernel/panic_on_oops", "1"},
		{"kernel/keys/root_maxkeys", "1000000"},
		{"kernel/keys/root_maxbytes", "25000000"},
	}
}

// Change is a parameter that was set.
type Change struct{ Name, Before, After string }

// Ensure sets what differs below root ("/proc/sys"). A parameter that the kernel does not have, or does not let this namespace write, is returned in
// the error beside the changes that were made: whether a node can do without is the caller's to say.
func Ensure(root string, settings []Setting, protect bool) ([]Change, error) {
	var (
		changes []Change
		errs    []error
	)
	for _, s := range settings {
		file := filepath.Join(root, s.Name)
		data, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading kernel parameter %s: %w", s.Name, err))
			continue
		}
		before := strings.TrimSpace(string(data))
		if before == s.Value {
			continue
		}
		if protect {
			errs = append(errs, fmt.Errorf("invalid kernel flag: %s, expected value: %s, actual value: %s", s.Name, s.Value, before))
			continue
		}
		if err := os.WriteFile(file, []byte(s.Value), 0o644); err != nil {
			errs = append(errs, fmt.Errorf("setting kernel parameter %s: %w", s.Name, err))
			continue
		}
		changes = append(changes, Change{Name: s.Name, Before: before, After: s.Value})
	}
	return changes, errors.Join(errs...)
}

// Restore takes changes back, the last first. A parameter that somebody else has set since is left alone.
func Restore(root string, changes []Change) error {
	var errs []error
	for _, c := range slices.Backward(changes) {
		file := filepath.Join(root, c.Name)
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) || err == nil && strings.TrimSpace(string(data)) != c.After {
			continue
		}
		if err == nil {
			err = os.WriteFile(file, []byte(c.Before), 0o644)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("restoring kernel parameter %s: %w", c.Name, err))
		}
	}
	return errors.Join(errs...)
}
