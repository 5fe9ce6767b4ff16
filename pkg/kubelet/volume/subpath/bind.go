package subpath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
)

// Dir is the name of the directory in a pod's directory that holds the binds.
const Dir = "volume-subpaths"

// Binder makes and removes the binds.
type Binder struct{ mounter mounter.Interface }

// New builds a Binder.
func New(m mounter.Interface) *Binder { return &Binder{mounter: m} }

// Bind makes target show the part of the volume that sub names and returns target. A part that does not exist
// becomes a directory with the volume's own mode. target is <podDir>/volume-subpaths/<volume>/<container>/<index>.
func (b *Binder) Bind(volume, sub, target string) (string, error) {
	root, err := filepath.EvalSymlinks(volume)
	if err != nil {
		return "", fmt.Errorf("reading volume path: %w", err)
	}
	relative, err := resolve(root, sub)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDirs(root, sub); err != nil {
			return "", fmt.Errorf("creating subPath: %w", err)
		}
		relative, err = resolve(root, sub)
	}
	if err != nil {
		return "", err
	}
	fd, err := open(root, relative)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return target, b.bind(fd, target)
}

// resolve follows the links in sub and returns where it leads, relative to root.
func resolve(root, sub string) (string, error) {
	if err := Check(sub); err != nil {
		return "", err
	}
	full, err := filepath.EvalSymlinks(filepath.Join(root, sub))
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(root, full)
	if err != nil || relative == ".." || strings.HasPrefix(relative, "../") {
		return "", fmt.Errorf("subPath %q not within volume path %q", full, root)
	}
	return relative, nil
}

// Check refuses paths that no volume can have.
func Check(sub string) error {
	if filepath.IsAbs(sub) {
		return fmt.Errorf("subPath %q must not be an absolute path", sub)
	}
	for _, part := range strings.Split(sub, "/") {
		if part == ".." {
			return fmt.Errorf("subPath %q must not contain '..'", sub)
		}
	}
	return nil
}

// open opens the path for binding with every link forbidden.
func open(root, relative string) (int, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOTDIR) {
		return unix.Open(root, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return -1, fmt.Errorf("opening volume: %w", err)
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, relative, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return -1, fmt.Errorf("opening subPath %q of %q (it changed while being looked at): %w", relative, root, err)
	}
	return fd, nil
}

// makeDirs creates what is missing of sub, entering each directory without following links that leave root.
func makeDirs(root, sub string) error {
	if err := Check(sub); err != nil {
		return err
	}
	info, err := os.Stat(root)
	if err != nil {
		return err
	}
	mode := uint32(info.Mode().Perm())
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for _, part := range strings.Split(filepath.Clean(sub), "/") {
		next, err := enter(dir, part, mode)
		unix.Close(dir)
		if err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		dir = next
	}
	return unix.Close(dir)
}

func enter(dir int, part string, mode uint32) (int, error) {
	how := &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := unix.Openat2(dir, part, how)
	if !errors.Is(err, unix.ENOENT) {
		return fd, err
	}
	if err := unix.Mkdirat(dir, part, mode); err != nil && !errors.Is(err, unix.EEXIST) {
		return -1, err
	}
	fd, err = unix.Openat2(dir, part, how)
	if err != nil {
		return -1, err
	}
	// The umask took its part of the mode. /proc gives a path to what was opened, whatever its name is by now.
	if err := os.Chmod("/proc/self/fd/"+strconv.Itoa(fd), fs.FileMode(mode)); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// bind mounts what fd is at target. A mount of an earlier container of the same name is replaced: it may show what is no longer there.
func (b *Binder) bind(fd int, target string) error {
	if err := b.mounter.Unmount(target); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("looking at subPath: %w", err)
	}
	if err := makeTarget(target, st.Mode&unix.S_IFMT == unix.S_IFDIR); err != nil {
		return fmt.Errorf("creating target of subPath: %w", err)
	}
	source := "/proc/self/fd/" + strconv.Itoa(fd)
	if err := b.mounter.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("binding subPath: %w", err)
	}
	return nil
}

// makeTarget makes an empty directory or file to mount on.
func makeTarget(target string, dir bool) error {
	if info, err := os.Lstat(target); err == nil && info.IsDir() != dir {
		if err := os.Remove(target); err != nil {
			return err
		}
	}
	if dir {
		return os.MkdirAll(target, 0o750)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_RDONLY, 0o640)
	if err != nil {
		return err
	}
	return f.Close()
}

// Clean unmounts and removes every bind of the pod.
func (b *Binder) Clean(podDir string) error {
	dir := filepath.Join(podDir, Dir)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	mounts, err := b.mounter.Below(dir)
	if err != nil {
		return err
	}
	for _, mount := range mounts {
		if err := b.mounter.Unmount(mount); err != nil {
			return fmt.Errorf("unmounting subPath: %w", err)
		}
	}
	if rest, err := b.mounter.Below(dir); err != nil || len(rest) > 0 {
		return fmt.Errorf("subPaths still mounted in %s: %v %w", dir, rest, err)
	}
	return os.RemoveAll(dir)
}
