package sandbox

import (
	"path/filepath"
	"slices"

	"tiphys.dev/tiphys/pkg/allinone/status"
)

// Summary is one line about a cluster.
type Summary struct {
	Name, DataDir string
	Network       Network
	// State is Running, Starting, Stopped, or Broken (its namespaces exist without a server).
	State  string
	Status status.Status
	// Nodes are all of them, the server's first.
	Nodes []NodeSummary
}

// NodeSummary is about one node's process.
type NodeSummary struct {
	Name, Address string
	Status        status.Status
}

// List gives all clusters of the machine by name.
func List(home string) ([]Summary, error) {
	if home == "" {
		home = DefaultHome
	}
	idx, err := readIndex(filepath.Join(home, "clusters.json"))
	if err != nil {
		return nil, err
	}
	var all []Summary
	for name, rec := range idx.Clusters {
		c := newCluster(Config{Name: name, Home: home}, *rec)
		s, err := c.Summarize()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Summary) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all, nil
}

// Summarize looks at the cluster as it is now.
func (c *Cluster) Summarize() (Summary, error) {
	s := Summary{Name: c.cfg.Name, DataDir: c.rec.DataDir, Network: c.network, State: "Stopped"}
	for _, m := range c.members() {
		node := NodeSummary{Name: m.name(), Address: m.address().String()}
		// Without a readable status there is no process to speak of.
		node.Status, _ = status.Read(m.dataDir())
		s.Nodes = append(s.Nodes, node)
	}
	held, err := c.Namespaces().Complete()
	if err != nil {
		return s, err
	}
	// Without a readable status there is no server to speak of.
	s.Status, _ = status.Read(c.rec.DataDir)
	switch {
	case s.Status.Alive() && s.Status.Ready:
		s.State = "Running"
	case s.Status.Alive():
		s.State = "Starting"
	case held:
		s.State = "Broken"
	}
	return s, nil
}
