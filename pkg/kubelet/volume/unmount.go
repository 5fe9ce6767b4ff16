package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// Unmount takes away everything of the pod's volumes. It reads what there is from disk, so it works for pods of
// which nobody knows more than the UID.
func (m *Manager) Unmount(ctx context.Context, uid types.UID) error {
	m.mu.Lock()
	e := m.pods[uid]
	m.mu.Unlock()
	if e != nil {
		e.io.Lock()
		defer e.io.Unlock()
	}
	podDir := PodDir(m.cfg.RootDir, uid)
	// Binds first: they keep the volumes below them busy.
	if err := m.binder.Clean(podDir); err != nil {
		return fmt.Errorf("removing subPaths of pod %s: %w", uid, err)
	}
	volumes, err := m.volumesOnDisk(uid)
	if err != nil {
		return err
	}
	var errs []error
	for _, v := range volumes {
		if err := m.tearDown(ctx, uid, v); err != nil {
			errs = append(errs, fmt.Errorf("unmounting volume %q of pod %s: %w", v.name, uid, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, dir := range []string{volumesDir, stateDir, devicesDir} {
		if err := m.removeTree(filepath.Join(podDir, dir)); err != nil {
			return err
		}
	}
	m.forget(uid)
	return nil
}

func (m *Manager) tearDown(ctx context.Context, uid types.UID, v onDisk) error {
	if td, ok := m.plugins[v.kind].(plugin.TearDowner); ok {
		if err := td.TearDown(ctx, uid, v.name, v.dir); err != nil {
			return err
		}
	}
	mounts, err := m.mounter.Below(v.dir)
	if err != nil {
		return err
	}
	for _, mount := range mounts {
		if err := m.mounter.Unmount(mount); err != nil {
			return err
		}
	}
	return m.removeTree(v.dir)
}

// removeTree removes a directory only when nothing is mounted in it any more: what is behind a mount is not ours to delete.
func (m *Manager) removeTree(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	rest, err := m.mounter.Below(dir)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("not removing %s: still mounted: %v", dir, rest)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing %s: %w", dir, err)
	}
	return nil
}

// RemovePodDir removes what is left of the pod's directory. Call it after Unmount, when no container needs its hosts file or
// termination log any more.
func (m *Manager) RemovePodDir(uid types.UID) error {
	return m.removeTree(PodDir(m.cfg.RootDir, uid))
}
