package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"

	"tiphys.dev/tiphys/pkg/allinone/cgrouproot"
	"tiphys.dev/tiphys/pkg/allinone/kubeconfig"
	"tiphys.dev/tiphys/pkg/allinone/netns"
)

// Down stops the cluster and takes away all that Up made, except the data; with purge that too.
// It may be called on what is half there, and again.
func (c *Cluster) Down(purge bool) error {
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	all := c.members()
	// The server last: the agents tell it that they go.
	for i := range all {
		if err := all[len(all)-1-i].stop(); err != nil {
			return err
		}
	}
	if err := c.dismantle(); err != nil {
		return err
	}
	if err := kubeconfig.Remove(c.Context(), c.rec.PreviousContext); err != nil {
		return err
	}
	err = withIndex(c.cfg.Home, func(idx *index) error {
		if rec := idx.Clusters[c.cfg.Name]; rec != nil {
			rec.Up = false
		}
		if idx.anyUp() || idx.Sysctls == nil {
			return nil
		}
		defer func() { idx.Sysctls = nil }()
		return writeSysctls(idx.Sysctls)
	})
	if err != nil || !purge {
		return err
	}
	c.cfg.Progress("removing the data in %s", c.rec.DataDir)
	if err := removeData(c.rec.DataDir); err != nil {
		return err
	}
	return withIndex(c.cfg.Home, func(idx *index) error {
		delete(idx.Clusters, c.cfg.Name)
		return nil
	})
}

// dismantle removes the node but for its server or agent, the inner things first.
func (m member) dismantle() error {
	if err := m.stopRest(); err != nil {
		return err
	}
	if err := m.set().Release(); err != nil {
		return err
	}
	root, err := cgrouproot.Open(m.cgroup())
	if err != nil {
		return err
	}
	return root.Remove()
}

// dismantle removes all nodes and what joins them.
func (c *Cluster) dismantle() error {
	for _, m := range c.members() {
		if err := m.dismantle(); err != nil {
			return err
		}
	}
	if err := c.theSwitch().Held.Release(); err != nil {
		return err
	}
	if err := netns.Unwire(hostLink(c.rec.Slot)); err != nil {
		return err
	}
	// The folder of all held namespaces goes with the last of them.
	if err := os.Remove(runDir); err != nil && !errors.Is(err, os.ErrNotExist) && !isNotEmpty(err) {
		return err
	}
	return nil
}

// removeData deletes a data folder, unless something is mounted below it: deleting would then
// reach into whatever that is.
func removeData(dir string) error {
	resolved, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	mounts, err := mountinfo.GetMounts(func(m *mountinfo.Info) (skip, stop bool) {
		return !strings.HasPrefix(m.Mountpoint, resolved+"/"), false
	})
	if err != nil {
		return fmt.Errorf("reading the mount table: %w", err)
	}
	if len(mounts) > 0 {
		return fmt.Errorf("%s is mounted: unmount it before the data can be removed", mounts[0].Mountpoint)
	}
	if err := os.RemoveAll(resolved); err != nil {
		return fmt.Errorf("removing the data: %w", err)
	}
	return nil
}
