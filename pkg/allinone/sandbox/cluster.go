package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"tiphys.dev/tiphys/pkg/allinone/netns"
)

// Config names a cluster and says how to start its server.
type Config struct {
	// Name of the cluster, also of its first node; the second is <Name>-2.
	Name string
	// Home holds the list of clusters; /var/lib/tiphys when empty.
	Home string
	// DataDir of the cluster; <Home>/dev/<Name> when empty and not known from before.
	DataDir string
	// Executable is the tiphys binary that is started inside.
	Executable string
	// ServerArgs are further flags for `tiphys server`.
	ServerArgs []string
	// Nodes is how many nodes the cluster shall have; zero leaves it as it is, or makes one.
	Nodes int
	// NodeOnly makes the node without a server, for processes somebody else starts inside.
	NodeOnly bool
	// Progress takes one line for each step that people wait for.
	Progress func(format string, args ...any)
}

// DefaultName is the name of a cluster nobody named; DefaultHome of the folder of all clusters.
const (
	DefaultName = "tiphys"
	DefaultHome = "/var/lib/tiphys"
)

// maxNodes is far from what the addresses allow, and more than a machine can bear.
const maxNodes = 50

// runDir is where namespaces are held.
const runDir = "/run/tiphys"

// Cluster is one development cluster, running or not.
type Cluster struct {
	cfg     Config
	rec     record
	network Network
}

// nameForm keeps names fit for host names, cgroups and files, and the socket paths short.
var nameForm = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$`)

func (c *Config) complete() error {
	if c.Name == "" {
		c.Name = DefaultName
	}
	if !nameForm.MatchString(c.Name) {
		return fmt.Errorf("cluster name %q: use up to 30 small letters, digits and dashes, beginning with a letter", c.Name)
	}
	if c.Nodes < 0 || c.Nodes > maxNodes {
		return fmt.Errorf("%d nodes: a cluster has 1 to %d", c.Nodes, maxNodes)
	}
	if c.Home == "" {
		c.Home = DefaultHome
	}
	if c.Progress == nil {
		c.Progress = func(string, ...any) {}
	}
	if c.DataDir != "" {
		abs, err := filepath.Abs(c.DataDir)
		if err != nil {
			return err
		}
		c.DataDir = abs
	}
	if c.Executable == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this program: %w", err)
		}
		c.Executable = self
	}
	return nil
}

// ErrUnknown is returned for a cluster that was never made, or was purged.
var ErrUnknown = errors.New("no such cluster")

func newCluster(cfg Config, rec record) *Cluster {
	rec.Nodes = max(1, rec.Nodes, nodesOnDisk(rec.DataDir, cfg.Name))
	return &Cluster{cfg: cfg, rec: rec, network: networkOf(rec.Slot)}
}

// Open finds an existing cluster.
func Open(cfg Config) (*Cluster, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	idx, err := readIndex(filepath.Join(cfg.Home, "clusters.json"))
	if err != nil {
		return nil, err
	}
	rec := idx.Clusters[cfg.Name]
	if rec == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, cfg.Name)
	}
	return newCluster(cfg, *rec), nil
}

// DataDir, Network, Namespaces and Context describe the cluster.
func (c *Cluster) DataDir() string { return c.rec.DataDir }

// Network gives the cluster's address ranges.
func (c *Cluster) Network() Network { return c.network }

// Namespaces are where its first node lives.
func (c *Cluster) Namespaces() netns.Set { return c.server().set() }

// server is the first node.
func (c *Cluster) server() member { return member{c, 1} }

// Context is the name of the entry in the kubeconfig.
func (c *Cluster) Context() string {
	if c.cfg.Name == DefaultName {
		return DefaultName
	}
	return DefaultName + "-" + c.cfg.Name
}

// AdminKubeconfig is the file the server writes for people.
func (c *Cluster) AdminKubeconfig() string {
	return filepath.Join(c.rec.DataDir, "kubeconfig", "admin.kubeconfig")
}

// LogFile is where the server writes what happens.
func (c *Cluster) LogFile() string { return c.server().logFile() }
