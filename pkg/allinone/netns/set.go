package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Set is where the namespaces of a node are held.
type Set struct{ dir string }

// At names the namespaces held in a folder, without looking at it.
func At(dir string) Set { return Set{dir: dir} }

// Net, Mount and UTS are the files; nsenter takes them.
func (s Set) Net() string   { return filepath.Join(s.dir, "net") }
func (s Set) Mount() string { return filepath.Join(s.dir, "mnt") }
func (s Set) UTS() string   { return filepath.Join(s.dir, "uts") }

func (s Set) files() []string { return []string{s.Net(), s.UTS(), s.Mount()} }

// Complete tells whether all namespaces are held.
func (s Set) Complete() (bool, error) {
	mounted, err := s.mounted()
	if err != nil {
		return false, err
	}
	for _, file := range s.files() {
		if !slices.Contains(mounted, file) {
			return false, nil
		}
	}
	return true, nil
}

// HasNet tells whether a network namespace is held.
func (s Set) HasNet() (bool, error) {
	mounted, err := s.mounted()
	return slices.Contains(mounted, s.Net()), err
}

// mounted lists the mount points at and below the folder, the deepest first.
func (s Set) mounted() ([]string, error) {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(s.dir))
	if err != nil {
		return nil, fmt.Errorf("reading the mount table: %w", err)
	}
	points := make([]string, 0, len(mounts))
	for _, m := range mounts {
		points = append(points, m.Mountpoint)
	}
	slices.SortFunc(points, func(a, b string) int { return len(b) - len(a) })
	return points, nil
}

// Prepare mounts the folder that will hold the files.
func (s Set) Prepare() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", s.dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700,size=64k"); err != nil {
		return fmt.Errorf("mounting %s: %w", s.dir, err)
	}
	if err := unix.Mount("", s.dir, "", unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making %s private: %w", s.dir, err)
	}
	for _, file := range s.files() {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// NewNet makes a network namespace and holds it.
func (s Set) NewNet() error {
	return onSpareThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making a network namespace: %w", err)
		}
		return hold(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), s.Net())
	})
}

// HoldOf holds the mount and UTS namespaces of a process.
func (s Set) HoldOf(pid int) error {
	return errors.Join(
		hold(fmt.Sprintf("/proc/%d/ns/mnt", pid), s.Mount()),
		hold(fmt.Sprintf("/proc/%d/ns/uts", pid), s.UTS()),
	)
}

func hold(namespace, file string) error {
	if err := unix.Mount(namespace, file, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("holding %s at %s: %w", namespace, file, err)
	}
	return nil
}

// Release lets the namespaces go; they end with their last process.
func (s Set) Release() error {
	mounted, err := s.mounted()
	if err != nil {
		return err
	}
	for _, point := range mounted {
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmounting %s: %w", point, err)
		}
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	return nil
}

// Do calls f inside all three namespaces.
func (s Set) Do(f func() error) error {
	return onSpareThread(func() error {
		// A mount namespace can be entered only by a thread with a root and working folder of its own.
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return fmt.Errorf("leaving the shared working folder: %w", err)
		}
		var opened []*os.File
		defer func() {
			for _, f := range opened {
				f.Close()
			}
		}()
		// Open all before entering any: afterwards the paths mean something else.
		for _, file := range s.files() {
			f, err := os.Open(file)
			if err != nil {
				return fmt.Errorf("opening a namespace: %w", err)
			}
			opened = append(opened, f)
		}
		for _, file := range opened {
			if err := unix.Setns(int(file.Fd()), 0); err != nil {
				return fmt.Errorf("entering %s: %w", file.Name(), err)
			}
		}
		return f()
	})
}

// DoNet calls f inside the network namespace alone.
func (s Set) DoNet(f func() error) error {
	return onSpareThread(func() error {
		file, err := os.Open(s.Net())
		if err != nil {
			return fmt.Errorf("opening a namespace: %w", err)
		}
		defer file.Close()
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering %s: %w", file.Name(), err)
		}
		return f()
	})
}

// onSpareThread runs f on an operating system thread that is never used again: it is locked and
// not unlocked, so it ends with the goroutine. The main thread is never taken: it cannot end, and
// its namespaces are what /proc shows for the whole process. A panic of f is not caught.
func onSpareThread(f func() error) error {
	result := make(chan error, 1)
	go spare(func() { result <- f() })
	return <-result
}

func spare(f func()) {
	runtime.LockOSThread()
	if unix.Gettid() != os.Getpid() {
		f()
		return
	}
	// We hold the main thread, so the next goroutine gets another.
	done := make(chan struct{})
	go func() {
		defer close(done)
		spare(f)
	}()
	<-done
	runtime.UnlockOSThread()
}
