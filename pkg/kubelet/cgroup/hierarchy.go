package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// hierarchy is the kernel's side: where the controllers are mounted and how values are written.
type hierarchy struct {
	version int
	// mounts maps a v1 controller (or "name=systemd") to its mount point; on v2 it has the one key "".
	mounts map[string]string
	// create lets tests write into a plain directory, where the kernel has not made the files.
	create bool
}

// discover reads the mounts of cgroup file systems below mount.
func discover(mount string) (*hierarchy, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(mount, &st); err != nil {
		return nil, fmt.Errorf("looking at %s: %w", mount, err)
	}
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		return &hierarchy{version: 2, mounts: map[string]string{"": mount}}, nil
	}
	infos, err := mountinfo.GetMounts(func(info *mountinfo.Info) (skip, stop bool) {
		return info.FSType != "cgroup" || !strings.HasPrefix(info.Mountpoint, mount), false
	})
	if err != nil {
		return nil, fmt.Errorf("reading mounts of cgroups: %w", err)
	}
	h := &hierarchy{version: 1, mounts: map[string]string{}}
	for _, info := range infos {
		for _, opt := range strings.Split(info.VFSOptions, ",") {
			if v1Controllers[opt] || strings.HasPrefix(opt, "name=") {
				h.mounts[opt] = info.Mountpoint
			}
		}
	}
	for _, need := range []string{"cpu", "memory"} {
		if h.mounts[need] == "" {
			return nil, fmt.Errorf("no cgroup controller %q below %s: neither cgroup v2 nor a v1 hierarchy is mounted", need, mount)
		}
	}
	return h, nil
}

var v1Controllers = map[string]bool{"cpu": true, "cpuacct": true, "cpuset": true, "memory": true, "devices": true,
	"freezer": true, "blkio": true, "pids": true, "hugetlb": true, "perf_event": true, "net_cls": true, "net_prio": true}

// dirs are the directories of one group, one per mounted hierarchy.
func (h *hierarchy) dirs(path string) []string {
	var out []string
	for _, mount := range h.mounts {
		if dir := filepath.Join(mount, path); !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return out
}

func (h *hierarchy) dir(controller, path string) string {
	if h.version == 2 {
		controller = ""
	}
	mount, ok := h.mounts[controller]
	if !ok {
		return ""
	}
	return filepath.Join(mount, path)
}

// exists tells whether the group is there in every hierarchy.
func (h *hierarchy) exists(path string) bool {
	for _, dir := range h.dirs(path) {
		if _, err := os.Stat(dir); err != nil {
			return false
		}
	}
	return true
}

// make creates the group and what is above it, and makes the controllers usable inside it.
func (h *hierarchy) make(path string) error {
	if h.version == 2 {
		return h.makeUnified(path)
	}
	for _, dir := range h.dirs(path) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("creating cgroup: %w", err)
		}
	}
	return h.fillCpuset(path)
}

// makeUnified goes down level by level: a controller works in a group only when its parent hands it on.
func (h *hierarchy) makeUnified(path string) error {
	dir := h.mounts[""]
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		if err := h.delegate(dir); err != nil {
			return err
		}
		dir = filepath.Join(dir, part)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("creating cgroup: %w", err)
		}
		if i == len(parts)-1 {
			return h.delegate(dir)
		}
	}
	return nil
}

func (h *hierarchy) delegate(dir string) error {
	available, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("reading controllers: %w", err)
	}
	control := filepath.Join(dir, "cgroup.subtree_control")
	enabled, _ := os.ReadFile(control)
	have := strings.Fields(string(enabled))
	for _, c := range strings.Fields(string(available)) {
		if slices.Contains(have, c) {
			continue
		}
		// One at a time: a controller that is refused (cpu with real-time tasks, for instance) must not take the others with it.
		if err := h.write(control, "+"+c); err != nil && (c == "cpu" || c == "memory" || c == "pids") {
			return fmt.Errorf("enabling controller %s: %w", c, err)
		}
	}
	return nil
}

// fillCpuset copies cpus and mems downwards: v1 starts a group with none, and no process may enter it then.
func (h *hierarchy) fillCpuset(path string) error {
	mount := h.mounts["cpuset"]
	if mount == "" {
		return nil
	}
	dir := mount
	for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
		parent := dir
		dir = filepath.Join(dir, part)
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			have, err := h.read(filepath.Join(dir, file))
			if err == nil && have != "" {
				continue
			}
			from, err := h.read(filepath.Join(parent, file))
			if err != nil {
				return fmt.Errorf("reading %s: %w", file, err)
			}
			if err := h.write(filepath.Join(dir, file), from); err != nil {
				return fmt.Errorf("inheriting %s: %w", file, err)
			}
		}
	}
	return nil
}

func (h *hierarchy) read(file string) (string, error) {
	data, err := os.ReadFile(file)
	return strings.TrimSpace(string(data)), err
}

func (h *hierarchy) readUint(file string) (uint64, error) {
	s, err := h.read(file)
	if err != nil {
		return 0, err
	}
	if s == "max" {
		return ^uint64(0), nil
	}
	return strconv.ParseUint(s, 10, 64)
}

func (h *hierarchy) write(file, value string) error {
	flags := os.O_WRONLY
	if h.create {
		flags |= os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(file, flags, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// set writes the value unless the kernel already shows it.
func (h *hierarchy) set(file, value string) error {
	if have, err := h.read(file); err == nil && have == value {
		return nil
	}
	if err := h.write(file, value); err != nil {
		return fmt.Errorf("setting %s to %s: %w", file, value, err)
	}
	return nil
}

// keyed reads a flat "key value" file such as memory.stat.
func (h *hierarchy) keyed(file string) (map[string]uint64, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]uint64{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), " "); ok {
			if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil {
				out[key] = n
			}
		}
	}
	return out, nil
}

// pageSizes lists the sizes of huge pages the kernel has, in the spelling of the hugetlb controller.
func pageSizes() []string {
	entries, err := os.ReadDir("/sys/kernel/mm/hugepages")
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		kb, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(e.Name(), "hugepages-"), "kB"), 10, 64)
		if err != nil {
			continue
		}
		switch {
		case kb >= 1<<20:
			out = append(out, fmt.Sprintf("%dGB", kb>>20))
		case kb >= 1<<10:
			out = append(out, fmt.Sprintf("%dMB", kb>>10))
		default:
			out = append(out, fmt.Sprintf("%dKB", kb))
		}
	}
	return out
}
