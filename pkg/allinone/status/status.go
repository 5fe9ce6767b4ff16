package status

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
)

// Status is what a server says of itself.
type Status struct {
	PID int `json:"pid"`
	// StartTime is the process's start in clock ticks since boot: with the PID it names a process
	// for good.
	StartTime uint64 `json:"startTime"`
	// Version of the binary.
	Version string `json:"version,omitempty"`
	// Server is the API server's URL.
	Server string `json:"server,omitempty"`
	// Components in their order of start.
	Components []Component `json:"components,omitempty"`
	// Ready: every component has been ready.
	Ready bool `json:"ready"`
	// Error is why the server gave up.
	Error string `json:"error,omitempty"`
}

// Component is the state of one member.
type Component struct {
	Name     string        `json:"name"`
	Phase    string        `json:"phase"`
	Took     time.Duration `json:"took,omitempty"`
	Restarts int           `json:"restarts,omitempty"`
	Error    string        `json:"error,omitempty"`
}

// fileName is the file's name in the data folder.
const fileName = "status.json"

// Write replaces the status in a data folder.
func Write(dataDir string, s Status) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dataDir, fileName), append(content, '\n'), 0o644)
}

// Read gives the last status; os.ErrNotExist when no server ever ran there.
func Read(dataDir string) (Status, error) {
	var s Status
	content, err := os.ReadFile(filepath.Join(dataDir, fileName))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return s, fmt.Errorf("%s: %w", filepath.Join(dataDir, fileName), err)
	}
	return s, nil
}

// Alive tells whether the process that wrote the status still runs.
func (s Status) Alive() bool {
	if s.PID == 0 {
		return false
	}
	began, err := StartTime(s.PID)
	return err == nil && began == s.StartTime
}

// StartTime reads when a process began. A zombie counts as ended.
func StartTime(pid int) (uint64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is the name in brackets, which may hold anything; count from its end.
	text := string(content)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const state, startTime = 0, 19
	if len(fields) <= startTime {
		return 0, fmt.Errorf("/proc/%d/stat has an unknown form", pid)
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return 0, os.ErrProcessDone
	}
	return strconv.ParseUint(fields[startTime], 10, 64)
}

// Follow calls f with the present status and again at each change, until f returns true or ctx
// ends. A missing or half-known file is skipped.
func Follow(ctx context.Context, dataDir string, f func(Status) (done bool)) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("following the status: %w", err)
	}
	defer watcher.Close()
	// The file is replaced by renaming, so its folder is what can be watched.
	if err := watcher.Add(dataDir); err != nil {
		return fmt.Errorf("following the status in %s: %w", dataDir, err)
	}
	for {
		if s, err := Read(dataDir); err == nil && f(s) {
			return nil
		}
		for relevant := false; !relevant; {
			select {
			case e := <-watcher.Events:
				relevant = filepath.Base(e.Name) == fileName
			case err := <-watcher.Errors:
				return fmt.Errorf("following the status: %w", err)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
