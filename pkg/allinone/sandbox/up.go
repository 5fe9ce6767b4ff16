package sandbox

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"tiphys.dev/tiphys/pkg/allinone/datadir"
	"tiphys.dev/tiphys/pkg/allinone/kubeconfig"
	"tiphys.dev/tiphys/pkg/allinone/netns"
)

// Up makes the cluster run and waits until it answers. It returns it also on failure, if it got
// that far, so that the caller can name the log.
func Up(ctx context.Context, cfg Config) (*Cluster, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if !cfg.NodeOnly {
		// Known at the end, a minute later, it would leave a cluster that nobody can reach.
		if err := kubeconfig.Check(); err != nil {
			return nil, err
		}
	}
	c, err := register(cfg)
	if err != nil {
		return nil, err
	}
	ended, err := c.start()
	if err != nil || cfg.NodeOnly {
		return c, err
	}
	if err := c.waitUntilReady(ctx, ended); err != nil {
		return c, err
	}
	return c, c.introduce()
}

// start builds the node and starts the server, unless it runs. Only this part excludes others: two
// calls at the same time both wait for the one server.
func (c *Cluster) start() (ended <-chan error, err error) {
	unlock, err := c.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if running, err := c.running(); running || err != nil {
		return nil, err
	}
	if err := datadir.Claim(c.rec.DataDir); err != nil {
		return nil, err
	}
	if err := c.build(); err != nil {
		return nil, err
	}
	if c.cfg.NodeOnly {
		return nil, nil
	}
	return c.startServer()
}

// register finds the cluster's place in the index, or gives it one, and marks it as up.
func register(cfg Config) (*Cluster, error) {
	host, err := netns.HostPrefixes()
	if err != nil {
		return nil, err
	}
	var c *Cluster
	err = withIndex(cfg.Home, func(idx *index) error {
		rec := idx.Clusters[cfg.Name]
		if rec == nil {
			slot, err := chooseSlot(idx.takenSlots(), host)
			if err != nil {
				return err
			}
			rec = &record{Slot: slot, DataDir: cfg.DataDir}
			if rec.DataDir == "" {
				rec.DataDir = filepath.Join(cfg.Home, "dev", cfg.Name)
			}
			for name, other := range idx.Clusters {
				if other.DataDir == rec.DataDir {
					return fmt.Errorf("%s is the data directory of cluster %s: choose another with --data-dir", rec.DataDir, name)
				}
			}
			idx.Clusters[cfg.Name] = rec
		}
		if cfg.DataDir != "" && cfg.DataDir != rec.DataDir {
			return fmt.Errorf("cluster %s has its data in %s: leave --data-dir out, or run `tiphys dev down --name %s --purge` first", cfg.Name, rec.DataDir, cfg.Name)
		}
		if what, clash := conflict(rec.Slot, host); clash {
			return fmt.Errorf("the addresses of cluster %s are in use on this machine: %s", cfg.Name, what)
		}
		if !idx.anyUp() {
			if idx.Sysctls, err = readSysctls(machineSysctls); err != nil {
				return err
			}
		}
		rec.Up = true
		c = newCluster(cfg, *rec)
		return nil
	})
	return c, err
}

// build makes the namespaces and their wiring, from nothing if they are not complete.
func (c *Cluster) build() error {
	complete, err := c.set.Complete()
	if err != nil {
		return err
	}
	if complete {
		// A server that was killed left its node behind, perhaps with containers: it goes on there.
		c.cfg.Progress("finding the node of %s as it was left", c.cfg.Name)
		return c.set.Wire(c.network.wiring(c.rec.Slot))
	}
	if err := c.dismantle(); err != nil {
		return err
	}
	c.cfg.Progress("making the node: namespaces, link %s, addresses %s", hostLink(c.rec.Slot), c.network.Link)
	if err := c.set.Prepare(); err != nil {
		return err
	}
	if err := c.set.NewNet(); err != nil {
		return err
	}
	if err := c.set.Wire(c.network.wiring(c.rec.Slot)); err != nil {
		return err
	}
	return c.furnish()
}

// introduce adds the cluster to the person's kubeconfig.
func (c *Cluster) introduce() error {
	previous, err := kubeconfig.Merge(c.AdminKubeconfig(), c.Context())
	if err != nil || previous == "" {
		return err
	}
	c.rec.PreviousContext = previous
	return withIndex(c.cfg.Home, func(idx *index) error {
		if rec := idx.Clusters[c.cfg.Name]; rec != nil {
			rec.PreviousContext = previous
			return nil
		}
		return errors.New("the cluster was removed meanwhile")
	})
}
