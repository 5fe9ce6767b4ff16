package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tiphys.dev/tiphys/pkg/allinone/cgrouproot"
	"tiphys.dev/tiphys/pkg/allinone/status"
)

// How long the parts of a cluster may take to end.
const (
	serverGrace    = 15 * time.Second
	containerGrace = 2 * time.Second
	killTimeout    = 10 * time.Second
)

// stop asks the node's server or agent to end and waits for it; one that hangs is killed.
func (m member) stop() error {
	c := m.c
	s, err := status.Read(m.dataDir())
	if err != nil || !s.Alive() {
		return nil
	}
	c.cfg.Progress("stopping the %s (process %d)", m.role(), s.PID)
	if ended, err := signalAndWait([]int{s.PID}, unix.SIGTERM, serverGrace); ended || err != nil {
		return err
	}
	c.cfg.Progress("it did not end within %v: killing it", serverGrace)
	_, err = signalAndWait([]int{s.PID}, unix.SIGKILL, killTimeout)
	return err
}

// stopRest ends what else belongs to the node: containers, their shims, shells of people. They
// get a moment to end by themselves.
func (m member) stopRest() error {
	c := m.c
	members, err := m.processes()
	if err != nil || len(members) == 0 {
		return err
	}
	c.cfg.Progress("stopping %d processes of containers on node %s", len(members), m.name())
	if ended, err := signalAndWait(members, unix.SIGTERM, containerGrace); ended && err == nil {
		members = nil
	}
	// A process may have started others meanwhile: look until there are none.
	for range 10 {
		if members, err = m.processes(); err != nil || len(members) == 0 {
			return err
		}
		if _, err := signalAndWait(members, unix.SIGKILL, killTimeout); err != nil {
			return err
		}
	}
	return fmt.Errorf("processes of node %s do not end: %v", m.name(), members)
}

// processes lists everything in the node's cgroups or in its held namespaces, but not us.
func (m member) processes() ([]int, error) {
	var members []int
	root, err := cgrouproot.Open(m.cgroup())
	if err != nil {
		return nil, err
	}
	if members, err = root.Processes(); err != nil {
		return nil, err
	}
	inside, err := m.inNamespaces()
	if err != nil {
		return nil, err
	}
	members = append(members, inside...)
	slices.Sort(members)
	members = slices.Compact(members)
	return slices.DeleteFunc(members, func(pid int) bool { return pid == os.Getpid() }), nil
}

// inNamespaces finds processes whose network or mount namespace is one of ours.
func (m member) inNamespaces() ([]int, error) {
	held := map[string]uint64{}
	for kind, file := range map[string]string{"net": m.set().Net(), "mnt": m.set().Mount()} {
		var info unix.Stat_t
		if err := unix.Stat(file, &info); err == nil && isNamespace(file) {
			held[kind] = info.Ino
		}
	}
	if len(held) == 0 {
		return nil, nil
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		for kind, inode := range held {
			var info unix.Stat_t
			// A process that has just ended has no namespaces: not ours to stop any more.
			if unix.Stat(filepath.Join("/proc", e.Name(), "ns", kind), &info) == nil && info.Ino == inode {
				found = append(found, pid)
				break
			}
		}
	}
	return found, nil
}

// isNamespace tells a held namespace from the plain file it is held by: their inode numbers are of
// different file systems and could be equal.
func isNamespace(file string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(file, &fs) == nil && fs.Type == unix.NSFS_MAGIC
}

// signalAndWait signals processes and waits until all have ended, told by the kernel through a
// pidfd for each.
func signalAndWait(pids []int, signal syscall.Signal, limit time.Duration) (ended bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var open []int
	defer func() {
		for _, fd := range open {
			unix.Close(fd)
		}
	}()
	var errs []error
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
			continue // it has ended
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("process %d: %w", pid, err))
			continue
		}
		open = append(open, fd)
		if err := unix.PidfdSendSignal(fd, signal, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("signalling process %d: %w", pid, err))
		}
	}
	for _, fd := range open {
		if !waitPidfd(ctx, fd) {
			return false, errors.Join(errs...)
		}
	}
	return true, errors.Join(errs...)
}

// waitPidfd blocks until the process has ended (true) or ctx has.
func waitPidfd(ctx context.Context, fd int) bool {
	for {
		deadline, _ := ctx.Deadline()
		left := time.Until(deadline)
		if left <= 0 {
			return false
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return err == nil && n > 0
	}
}
