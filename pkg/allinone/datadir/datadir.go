package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
)

// format is the layout this version writes and reads.
const format = 1

// markName is the file that says whose folder this is.
const markName = "tiphys.json"

type mark struct {
	Format   int       `json:"format"`
	Settings *Settings `json:"settings,omitempty"`
}

// Settings are fixed at a cluster's birth: addresses made from them are stored in objects.
type Settings struct {
	ServiceCIDR   string `json:"serviceCIDR"`
	ClusterCIDR   string `json:"clusterCIDR"`
	ClusterDomain string `json:"clusterDomain"`
	NodeName      string `json:"nodeName"`
}

// Claim makes the folder if needed and sees to it that it is ours.
func Claim(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the data directory cannot be made: %w; choose another with --data-dir", err)
	}
	if err := checkWritable(dir); err != nil {
		return err
	}
	_, err := readMark(dir)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("the data directory: %w", err)
	}
	for _, e := range entries {
		// What a file system makes by itself, and our own lock.
		if e.Name() != "lost+found" && e.Name() != lockName {
			return fmt.Errorf("%s holds files that are not from tiphys (%s, …): choose an empty or new folder with --data-dir", dir, e.Name())
		}
	}
	return writeMark(dir, mark{Format: format})
}

func checkWritable(dir string) error {
	probe, err := os.CreateTemp(dir, ".write-test-*")
	if err != nil {
		return fmt.Errorf("the data directory %s is not writable: %w; choose another with --data-dir", dir, err)
	}
	defer os.Remove(probe.Name())
	return probe.Close()
}

func readMark(dir string) (mark, error) {
	path := filepath.Join(dir, markName)
	var m mark
	content, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(content, &m); err != nil || m.Format == 0 {
		return m, fmt.Errorf("%s is damaged: restore the folder from a backup, or remove it to start an empty cluster", path)
	}
	if m.Format > format {
		return m, fmt.Errorf("%s was written by a newer tiphys (format %d, this one knows %d): use that version", dir, m.Format, format)
	}
	return m, nil
}

func writeMark(dir string, m mark) error {
	content, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, markName), append(content, '\n'), 0o644)
}

// Settle keeps the first settings and refuses to go on with others.
func Settle(dir string, want Settings) error {
	m, err := readMark(dir)
	if err != nil {
		return err
	}
	if m.Settings == nil {
		m.Settings = &want
		return writeMark(dir, m)
	}
	for _, s := range []struct{ flag, have, want string }{
		{"--service-cidr", m.Settings.ServiceCIDR, want.ServiceCIDR},
		{"--cluster-cidr", m.Settings.ClusterCIDR, want.ClusterCIDR},
		{"--cluster-domain", m.Settings.ClusterDomain, want.ClusterDomain},
		{"--node-name", m.Settings.NodeName, want.NodeName},
	} {
		if s.have != s.want {
			return fmt.Errorf("the cluster in %s was made with %s=%s and cannot change to %q: start it with that value, or use another --data-dir", dir, s.flag, s.have, s.want)
		}
	}
	return nil
}

const lockName = "lock"

// ErrInUse is returned when another process holds the folder.
var ErrInUse = errors.New("the data directory is in use")

// Lock holds the folder until the returned function is called or the process ends.
func Lock(dir string) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: another tiphys runs on %s; stop it first, or choose another --data-dir", ErrInUse, dir)
		}
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	return func() { file.Close() }, nil
}

// CheckSpace refuses a nearly full file system.
func CheckSpace(dir string, need uint64) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("the data directory: %w", err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < need {
		return fmt.Errorf("the disk of %s is full: %d MiB free, %d MiB needed; free some space or choose another --data-dir", dir, free>>20, need>>20)
	}
	return nil
}
