package content

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/volume/atomicwriter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/ownership"
	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// Mode is the mode of files that say nothing of their own.
func Mode(m *int32) int32 {
	if m == nil {
		return v1.ConfigMapVolumeSourceDefaultMode
	}
	return *m
}

// MakeDir makes the volume's directory, open to whatever user a container runs as.
func MakeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("creating volume directory: %w", err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		return fmt.Errorf("opening volume directory: %w", err)
	}
	return nil
}

// MakeMemoryDir makes the directory as a tmpfs, so that secrets never reach a disk.
func MakeMemoryDir(m mounter.Interface, dir string, options ...string) error {
	mounted, err := m.Mounted(dir)
	if err != nil {
		return fmt.Errorf("looking at volume directory: %w", err)
	}
	if mounted {
		return nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("creating volume directory: %w", err)
	}
	// noswap is known since Linux 6.4; older kernels refuse the whole mount.
	err = m.Mount("tmpfs", dir, "tmpfs", 0, strings.Join(append(options, "noswap"), ","))
	if err != nil {
		if err = m.Mount("tmpfs", dir, "tmpfs", 0, strings.Join(options, ",")); err != nil {
			return fmt.Errorf("mounting volume directory: %w", err)
		}
	}
	return os.Chmod(dir, 0o777)
}

// Write writes the payload and, when it changed, hands it to the pod's group.
func Write(req plugin.Request, payload atomicwriter.Payload, now time.Time) error {
	group := req.FSGroup()
	changed, err := atomicwriter.Write(req.Dir, payload, now, func(dated string) error {
		return ownership.Apply(dated, group, nil, true)
	})
	if err != nil {
		return fmt.Errorf("writing content: %w", err)
	}
	if !changed || group == nil {
		return nil
	}
	// The top directory and its links; what they lead to was done before it became visible.
	if err := os.Lchown(req.Dir, -1, int(*group)); err != nil {
		return fmt.Errorf("applying fsGroup: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Stat(req.Dir, &st); err != nil {
		return fmt.Errorf("applying fsGroup: %w", err)
	}
	if err := unix.Chmod(req.Dir, st.Mode&0o7777|0o550|unix.S_ISGID); err != nil {
		return fmt.Errorf("applying fsGroup: %w", err)
	}
	return nil
}
