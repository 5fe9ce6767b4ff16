package volume

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	v1 "k8s.io/api/core/v1"
)

// Usage is what one volume of a pod takes.
type Usage struct {
	Name string
	// Claim is the claim behind the volume, if any.
	Claim string
	// Capacity and Available are the file system's; Used is the volume's own.
	Capacity, Available, Used      uint64
	Inodes, InodesFree, InodesUsed uint64
	// OnNode means that the bytes come off the node's own file system.
	OnNode bool
	// InMemory means that they count as the pod's memory.
	InMemory bool
}

// Usage measures the pod's volumes. Volumes that share a file system with the node are walked; the others are asked.
func (m *Manager) Usage(ctx context.Context, pod *v1.Pod) ([]Usage, error) {
	mounted := m.mounted(pod)
	var out []Usage
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		at, ok := mounted[v.Name]
		if !ok || at.Path == "" || v.HostPath != nil {
			continue // a hostPath is the node's, not the pod's
		}
		u, err := measure(ctx, at.Path)
		if err != nil {
			return out, fmt.Errorf("measuring volume %q of pod %s/%s: %w", v.Name, pod.Namespace, pod.Name, err)
		}
		u.Name = v.Name
		if v.PersistentVolumeClaim != nil {
			u.Claim = v.PersistentVolumeClaim.ClaimName
			u.OnNode = false
		}
		out = append(out, u)
	}
	return out, nil
}

func measure(ctx context.Context, dir string) (Usage, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Usage{}, err
	}
	size := uint64(st.Bsize)
	u := Usage{Capacity: st.Blocks * size, Available: st.Bavail * size, Inodes: st.Files, InodesFree: st.Ffree}
	if st.Type == unix.TMPFS_MAGIC || st.Type == unix.HUGETLBFS_MAGIC {
		u.InMemory = true
		u.Used, u.InodesUsed = (st.Blocks-st.Bfree)*size, st.Files-st.Ffree
		return u, nil
	}
	u.OnNode = true
	var err error
	u.Used, u.InodesUsed, err = DiskUsage(ctx, dir)
	return u, err
}

// DiskUsage sums what a tree takes on its own file system: blocks, not lengths, and files with several names once.
func DiskUsage(ctx context.Context, dir string) (bytes, inodes uint64, err error) {
	var top unix.Stat_t
	if err := unix.Lstat(dir, &top); err != nil {
		return 0, 0, &os.PathError{Op: "lstat", Path: dir, Err: err}
	}
	linked := map[uint64]bool{}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return nil // removed while we look
		}
		var st unix.Stat_t
		if unix.Lstat(path, &st) != nil {
			return nil
		}
		if st.Dev != top.Dev {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if st.Nlink > 1 && !d.IsDir() {
			if linked[st.Ino] {
				return nil
			}
			linked[st.Ino] = true
		}
		bytes += uint64(st.Blocks) * 512
		inodes++
		return nil
	})
	return bytes, inodes, err
}
