package sandbox

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tiphys.dev/tiphys/pkg/allinone/netns"
)

// member is one node of a cluster, running or not. The first is the server's.
type member struct {
	c      *Cluster
	number int
}

// members lists the nodes the cluster has.
func (c *Cluster) members() []member {
	all := []member{{c, 1}}
	for n := 2; n <= c.rec.Nodes; n++ {
		all = append(all, member{c, n})
	}
	return all
}

// nodesOnDisk counts the nodes by their folders: a tiphys that knows clusters of one node only forgets
// the number in the index.
func nodesOnDisk(dataDir, cluster string) int {
	entries, err := os.ReadDir(filepath.Join(dataDir, "nodes"))
	if err != nil {
		return 0 // there are none
	}
	highest := 0
	for _, e := range entries {
		if n, err := strconv.Atoi(strings.TrimPrefix(e.Name(), cluster+"-")); err == nil && e.IsDir() {
			highest = max(highest, n)
		}
	}
	return highest
}

// agents are the members but the first.
func (c *Cluster) agents() []member { return c.members()[1:] }

// NodeNames lists the nodes' names, the server's first.
func (c *Cluster) NodeNames() []string {
	var names []string
	for _, m := range c.members() {
		names = append(names, m.name())
	}
	return names
}

// node finds a member by its node's name; the empty name means the first.
func (c *Cluster) node(name string) (member, error) {
	for _, m := range c.members() {
		if name == "" || m.name() == name {
			return m, nil
		}
	}
	return member{}, fmt.Errorf("cluster %s has no node %s: its nodes are %s", c.cfg.Name, name, strings.Join(c.NodeNames(), ", "))
}

// NodeNamespaces are where the named node lives; the empty name means the server's.
func (c *Cluster) NodeNamespaces(name string) (netns.Set, error) {
	m, err := c.node(name)
	if err != nil {
		return netns.Set{}, err
	}
	return m.set(), nil
}

// NodeDataDir is the folder of the named node's agent, or of the server.
func (c *Cluster) NodeDataDir(name string) (string, error) {
	m, err := c.node(name)
	if err != nil {
		return "", err
	}
	return m.dataDir(), nil
}

// name is the node's and its host's.
func (m member) name() string {
	if m.number == 1 {
		return m.c.cfg.Name
	}
	return fmt.Sprintf("%s-%d", m.c.cfg.Name, m.number)
}

// unique is like name, but no other cluster can be called that.
func (m member) unique() string {
	if m.number == 1 {
		return m.c.cfg.Name
	}
	return fmt.Sprintf("%s.%d", m.c.cfg.Name, m.number)
}

func (m member) dataDir() string {
	if m.number == 1 {
		return m.c.rec.DataDir
	}
	return filepath.Join(m.c.rec.DataDir, "nodes", m.name())
}

func (m member) set() netns.Set { return netns.At(filepath.Join(runDir, m.unique())) }

// cgroup is the node's in every hierarchy.
func (m member) cgroup() string {
	if m.unique() == DefaultName {
		return "/" + DefaultName
	}
	return "/" + DefaultName + "-" + m.unique()
}

func (m member) address() netip.Addr { return m.c.network.NodeAt(m.number) }

func (m member) logFile() string { return filepath.Join(m.dataDir(), "tiphys.log") }

// wiring is how the node hangs on the host. The host is wired with the first.
func (m member) wiring() netns.Wiring {
	n := m.c.network
	w := netns.Wiring{
		HostLink: hostLink(m.c.rec.Slot), Switched: m.c.switched(), NodeAddress: netip.PrefixFrom(m.address(), n.Link.Bits()),
		Pods: n.Pods, Services: n.Services,
	}
	if m.number == 1 {
		w.HostAddress = netip.PrefixFrom(n.Host(), n.Link.Bits())
	}
	return w
}

// switched tells whether the nodes need something between them.
func (c *Cluster) switched() bool { return c.rec.Nodes > 1 }

func (c *Cluster) theSwitch() netns.Switch {
	return netns.Switch{Held: netns.At(filepath.Join(runDir, c.cfg.Name+".switch")), HostLink: hostLink(c.rec.Slot)}
}
