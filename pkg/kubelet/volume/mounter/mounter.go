package mounter

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Interface is what volumes need of the kernel.
type Interface interface {
	// Mount mounts source at target; flags are the kernel's MS_ flags.
	Mount(source, target, fstype string, flags uintptr, data string) error
	// Unmount takes every mount off target, the uppermost first. A target that is not mounted is no error.
	Unmount(target string) error
	// Mounted tells whether target is a mount point.
	Mounted(target string) (bool, error)
	// Below lists the mount points in dir (itself included), deepest first.
	Below(dir string) ([]string, error)
}

// Kernel is the real thing.
type Kernel struct{}

var _ Interface = Kernel{}

// Mount implements Interface.
func (Kernel) Mount(source, target, fstype string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		return &os.PathError{Op: "mount " + fstype, Path: target, Err: err}
	}
	// A bind mount ignores all flags but these; read-only must be asked for in a second step.
	if flags&unix.MS_BIND != 0 && flags&unix.MS_RDONLY != 0 {
		if err := unix.Mount("", target, "", flags|unix.MS_REMOUNT, data); err != nil {
			_ = unix.Unmount(target, unix.MNT_DETACH)
			return &os.PathError{Op: "remount", Path: target, Err: err}
		}
	}
	return nil
}

// Unmount implements Interface.
func (k Kernel) Unmount(target string) error {
	for {
		err := unix.Unmount(target, unix.UMOUNT_NOFOLLOW)
		switch {
		case err == nil:
			continue // there may be another below
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
			return nil
		case errors.Is(err, unix.EBUSY):
			// A process outside the pod may look into it (a backup, a shell). The volume goes when it leaves.
			if err := unix.Unmount(target, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
				return &os.PathError{Op: "unmount", Path: target, Err: err}
			}
		default:
			return &os.PathError{Op: "unmount", Path: target, Err: err}
		}
	}
}

// Mounted implements Interface.
func (Kernel) Mounted(target string) (bool, error) {
	mounted, err := mountinfo.Mounted(target)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return mounted, err
}

// Below implements Interface.
func (Kernel) Below(dir string) ([]string, error) {
	dir = filepath.Clean(dir)
	infos, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		return nil, fmt.Errorf("reading mounts: %w", err)
	}
	var out []string
	for _, info := range infos {
		out = append(out, info.Mountpoint)
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	return slices.Compact(out), nil
}
