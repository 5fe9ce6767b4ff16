package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cgroupfsDriver writes the file system itself.
type cgroupfsDriver struct{ h *hierarchy }

func (d *cgroupfsDriver) path(n name) string   { return n.cgroupfs() }
func (d *cgroupfsDriver) parent(n name) string { return n.cgroupfs() }

func (d *cgroupfsDriver) make(_ context.Context, n name, r *Resources) error {
	if err := d.h.make(n.cgroupfs()); err != nil {
		return err
	}
	return d.h.apply(n.cgroupfs(), r)
}

func (d *cgroupfsDriver) apply(_ context.Context, n name, r *Resources) error {
	return d.h.apply(n.cgroupfs(), r)
}

func (d *cgroupfsDriver) remove(ctx context.Context, n name) error {
	return d.h.remove(ctx, n.cgroupfs())
}

// removeRetry is how long the kernel is given to let go of killed tasks between two attempts.
const removeRetry = 10 * time.Millisecond

// remove kills what still runs in the group and takes the directories away, innermost first. The kernel holds a group
// until its last task is reaped, so it is tried again until ctx ends or two seconds passed.
func (h *hierarchy) remove(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		err := h.removeOnce(path)
		if err == nil {
			return nil
		}
		timer := time.NewTimer(removeRetry)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("removing cgroup %s: %w", path, err)
		case <-timer.C:
		}
	}
}

func (h *hierarchy) removeOnce(path string) error {
	var errs []error
	for _, dir := range h.dirs(path) {
		groups := tree(dir)
		h.kill(groups)
		for i := len(groups) - 1; i >= 0; i-- {
			if err := unix.Rmdir(groups[i]); err != nil && !errors.Is(err, unix.ENOENT) {
				errs = append(errs, fmt.Errorf("%s: %w", groups[i], err))
			}
		}
	}
	return errors.Join(errs...)
}

// tree lists the group and all below it, parents first.
func tree(dir string) []string {
	var out []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			out = append(out, path)
		}
		return nil
	})
	return out
}

func (h *hierarchy) kill(groups []string) {
	if len(groups) == 0 {
		return
	}
	if h.version == 2 && h.write(filepath.Join(groups[0], "cgroup.kill"), "1") == nil {
		return
	}
	for _, dir := range groups {
		data, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil && pid > 1 && pid != os.Getpid() {
				_ = unix.Kill(pid, unix.SIGKILL) // gone already is as good
			}
		}
	}
}
