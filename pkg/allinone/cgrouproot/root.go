package cgrouproot

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/moby/sys/mountinfo"
)

// Root is one cgroup path in all hierarchies.
type Root struct {
	path        string
	hierarchies []hierarchy
}

// hierarchy is one mounted cgroup file system.
type hierarchy struct {
	mount       string
	controllers []string // empty for named ones such as systemd's
	unified     bool
}

// Open finds the hierarchies. path is absolute within them, for example /tiphys.
func Open(path string) (*Root, error) {
	if !strings.HasPrefix(path, "/") || filepath.Clean(path) == "/" {
		return nil, fmt.Errorf("cgroup root %q: a path below / is needed", path)
	}
	mounts, err := mountinfo.GetMounts(func(m *mountinfo.Info) (skip, stop bool) {
		return (m.FSType != "cgroup" && m.FSType != "cgroup2") || m.Root != "/", false
	})
	if err != nil {
		return nil, fmt.Errorf("reading the mount table: %w", err)
	}
	r := &Root{path: filepath.Clean(path), hierarchies: hierarchiesOf(mounts)}
	if len(r.hierarchies) == 0 {
		return nil, errors.New("no cgroup hierarchy is mounted: mount cgroup2 on /sys/fs/cgroup")
	}
	return r, nil
}

// hierarchiesOf picks each hierarchy once, however often it is mounted.
func hierarchiesOf(mounts []*mountinfo.Info) []hierarchy {
	var found []hierarchy
	seen := map[string]bool{}
	for _, m := range mounts {
		h := hierarchy{mount: m.Mountpoint, unified: m.FSType == "cgroup2"}
		key := "unified"
		if !h.unified {
			for _, option := range strings.Split(m.VFSOptions, ",") {
				if option != "rw" && option != "ro" && !strings.HasPrefix(option, "name=") {
					h.controllers = append(h.controllers, option)
				}
			}
			key = m.VFSOptions
		}
		if !seen[key] {
			seen[key] = true
			found = append(found, h)
		}
	}
	return found
}

// dir is where a cgroup below the root is in one hierarchy.
func (r *Root) dir(h hierarchy, below string) string {
	return filepath.Join(h.mount, r.path, below)
}

// Ensure makes the root and the named child of it everywhere, able to take processes.
func (r *Root) Ensure(child string) error {
	for _, h := range r.hierarchies {
		if h.unified {
			if err := r.ensureUnified(h, child); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(r.dir(h, child), 0o755); err != nil {
			return fmt.Errorf("making a cgroup: %w", err)
		}
		if slices.Contains(h.controllers, "cpuset") {
			if err := fillCpusets(h.mount, filepath.Join(r.path, child)); err != nil {
				return err
			}
		}
	}
	return nil
}

// ensureUnified makes the cgroups and hands all controllers down to the root's children.
func (r *Root) ensureUnified(h hierarchy, child string) error {
	if err := os.MkdirAll(r.dir(h, child), 0o755); err != nil {
		return fmt.Errorf("making a cgroup: %w", err)
	}
	at := h.mount
	for _, step := range strings.Split(strings.Trim(r.path, "/"), "/") {
		if err := delegate(at); err != nil {
			return err
		}
		at = filepath.Join(at, step)
	}
	return delegate(at)
}

// delegate enables for the children of a cgroup all controllers it has. One that cannot be enabled
// (real-time processes keep cpu back, for instance) is left out: the kubelet tells what it misses.
func delegate(dir string) error {
	available, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("reading cgroup controllers: %w", err)
	}
	for _, controller := range strings.Fields(string(available)) {
		_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
	}
	return nil
}

// fillCpusets copies cpus and memory nodes down the path, from the nearest parent that has them.
func fillCpusets(mount, path string) error {
	at := mount
	for _, step := range strings.Split(strings.Trim(path, "/"), "/") {
		parent := at
		at = filepath.Join(at, step)
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			have, err := os.ReadFile(filepath.Join(at, file))
			if err != nil {
				return err
			}
			if len(bytes.TrimSpace(have)) > 0 {
				continue
			}
			want, err := os.ReadFile(filepath.Join(parent, file))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(at, file), want, 0o644); err != nil {
				return fmt.Errorf("filling the cpuset: %w", err)
			}
		}
	}
	return nil
}

// Join moves the calling process into the named child.
func (r *Root) Join(child string) error {
	for _, h := range r.hierarchies {
		procs := filepath.Join(r.dir(h, child), "cgroup.procs")
		if err := os.WriteFile(procs, []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
			return fmt.Errorf("joining the cgroup: %w", err)
		}
	}
	return nil
}

// Processes lists everything that runs below the root, in any hierarchy.
func (r *Root) Processes() ([]int, error) {
	found := map[int]bool{}
	for _, h := range r.hierarchies {
		err := filepath.WalkDir(r.dir(h, ""), func(path string, d os.DirEntry, err error) error {
			if gone(err) {
				return nil
			}
			if err != nil || d.Name() != "cgroup.procs" {
				return err
			}
			content, err := os.ReadFile(path)
			if gone(err) {
				return nil
			}
			for _, field := range strings.Fields(string(content)) {
				if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
					found[pid] = true
				}
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("listing the processes of cgroup %s: %w", r.path, err)
		}
	}
	pids := make([]int, 0, len(found))
	for pid := range found {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids, nil
}

// Remove deletes the root and all below it. It fails while a process is left inside.
func (r *Root) Remove() error {
	var errs []error
	for _, h := range r.hierarchies {
		var dirs []string
		err := filepath.WalkDir(r.dir(h, ""), func(path string, d os.DirEntry, err error) error {
			if gone(err) {
				return nil
			}
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return err
		})
		if err != nil {
			errs = append(errs, err)
		}
		slices.Reverse(dirs) // children first
		for _, dir := range dirs {
			if err := syscall.Rmdir(dir); err != nil && !gone(err) {
				errs = append(errs, fmt.Errorf("removing cgroup %s: %w", dir, err))
				break
			}
		}
	}
	return errors.Join(errs...)
}

// gone tells that a cgroup vanished while it was looked at.
func gone(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENODEV)
}
