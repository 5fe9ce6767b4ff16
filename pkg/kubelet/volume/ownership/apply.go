package ownership

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	v1 "k8s.io/api/core/v1"
)

const (
	readWrite = 0o660
	readOnly  = 0o440
	search    = 0o110
)

// Apply hands dir and everything in it to group. With policy OnRootMismatch, a top directory that already is as
// it should be speaks for all below.
func Apply(dir string, group *int64, policy *v1.PodFSGroupChangePolicy, readOnlyVolume bool) error {
	if group == nil {
		return nil
	}
	mask := fs.FileMode(readWrite)
	if readOnlyVolume {
		mask = readOnly
	}
	if policy != nil && *policy == v1.FSGroupChangeOnRootMismatch && matches(dir, *group, mask) {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a container removed it meanwhile
			}
			return err
		}
		return change(path, d, *group, mask)
	})
	if err != nil {
		return fmt.Errorf("applying fsGroup %d: %w", *group, err)
	}
	return nil
}

func change(path string, d fs.DirEntry, group int64, mask fs.FileMode) error {
	// Lchown: a link must never carry the change to something outside the volume.
	if err := os.Lchown(path, -1, int(group)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if d.Type()&fs.ModeSymlink != 0 {
		return nil
	}
	info, err := d.Info()
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	mode := info.Mode() | mask
	if d.IsDir() {
		mode |= search | fs.ModeSetgid
	}
	if mode == info.Mode() {
		return nil
	}
	if err := os.Chmod(path, mode); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func matches(dir string, group int64, mask fs.FileMode) bool {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil || int64(st.Gid) != group {
		return false
	}
	want := uint32(mask|search) | unix.S_ISGID
	return st.Mode&want == want
}
