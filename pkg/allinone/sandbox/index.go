package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
)

// index is the one file all clusters of the machine share.
type index struct {
	Clusters map[string]*record `json:"clusters"`
	// Sysctls are the machine's own values, kept while a cluster is up.
	Sysctls map[string]string `json:"sysctls,omitempty"`
}

// record is what must be known of a cluster, running or not.
type record struct {
	Slot    int    `json:"slot"`
	DataDir string `json:"dataDir"`
	// Nodes is how many there are; zero means one.
	Nodes int `json:"nodes,omitempty"`
	// Up is set before the first thing is made and cleared after the last was removed.
	Up bool `json:"up"`
	// PreviousContext was current in the kubeconfig before ours.
	PreviousContext string `json:"previousContext,omitempty"`
}

// withIndex reads the index, calls f and writes it back if f succeeded, all under a lock that
// other processes respect.
func withIndex(home string, f func(*index) error) error {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", home, err)
	}
	lock, err := os.OpenFile(filepath.Join(home, "clusters.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close() // gives the lock back
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("locking the list of clusters: %w", err)
	}
	path := filepath.Join(home, "clusters.json")
	idx, err := readIndex(path)
	if err != nil {
		return err
	}
	if err := f(idx); err != nil {
		return err
	}
	content, err := json.MarshalIndent(idx, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(content, '\n'), 0o644)
}

func readIndex(path string) (*index, error) {
	idx := &index{}
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if len(content) > 0 {
		if err := json.Unmarshal(content, idx); err != nil {
			return nil, fmt.Errorf("%s is damaged: %w", path, err)
		}
	}
	if idx.Clusters == nil {
		idx.Clusters = map[string]*record{}
	}
	return idx, nil
}

func (idx *index) takenSlots() map[int]bool {
	taken := map[int]bool{}
	for _, r := range idx.Clusters {
		taken[r.Slot] = true
	}
	return taken
}

func (idx *index) anyUp() bool {
	for _, r := range idx.Clusters {
		if r.Up {
			return true
		}
	}
	return false
}
