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
	running, err := c.server().running()
	if err != nil {
		return nil, err
	}
	if !running {
		if err := datadir.Claim(c.rec.DataDir); err != nil {
			return nil, err
		}
		if err := c.build(); err != nil {
			return nil, err
		}
		if !c.cfg.NodeOnly {
			if ended, err = c.startServer(); err != nil {
				return nil, err
			}
		}
	} else if c.switched() {
		// Perhaps it was alone until now.
		if err := c.connect(); err != nil {
			return nil, err
		}
	}
	// While the server starts.
	return ended, c.buildAgents()
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
			rec = &record{Slot: slot, DataDir: cfg.DataDir, Nodes: 1}
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
		rec.Nodes = max(1, rec.Nodes, nodesOnDisk(rec.DataDir, cfg.Name))
		if cfg.Nodes > 0 && cfg.Nodes < rec.Nodes {
			return fmt.Errorf("cluster %s has %d nodes, which is more than %d: `tiphys dev down --name %s --purge` first, or drain and delete the nodes you do not need", cfg.Name, rec.Nodes, cfg.Nodes, cfg.Name)
		}
		rec.Nodes = max(rec.Nodes, cfg.Nodes)
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

// build makes the first node's namespaces and their wiring, from nothing if they are not complete.
func (c *Cluster) build() error {
	set := c.server().set()
	complete, err := set.Complete()
	if err != nil {
		return err
	}
	if complete {
		// A server that was killed left its node behind, perhaps with containers: it goes on there.
		c.cfg.Progress("finding the node of %s as it was left", c.cfg.Name)
		return c.connect()
	}
	if err := c.dismantle(); err != nil {
		return err
	}
	c.cfg.Progress("making the node: namespaces, link %s, addresses %s", hostLink(c.rec.Slot), c.network.Link)
	if err := set.Prepare(); err != nil {
		return err
	}
	if err := set.NewNet(); err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	return c.server().furnish()
}

// connect joins the first node and the host, directly or by a switch.
func (c *Cluster) connect() error {
	first := c.server()
	if c.switched() {
		if err := c.theSwitch().Ensure(); err != nil {
			return err
		}
		if err := c.theSwitch().Join(1, first.set()); err != nil {
			return err
		}
	}
	return first.set().Wire(first.wiring())
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
