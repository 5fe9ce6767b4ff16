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
	// Name of the cluster, also of its node.
	Name string
	// Home holds the list of clusters; /var/lib/tiphys when empty.
	Home string
	// DataDir of the cluster; <Home>/dev/<Name> when empty and not known from before.
	DataDir string
	// Executable is the tiphys binary that is started inside.
	Executable string
	// ServerArgs are further flags for `tiphys server`.
	ServerArgs []string
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

// runDir is where namespaces are held.
const runDir = "/run/tiphys"

// Cluster is one development cluster, running or not.
type Cluster struct {
	cfg     Config
	rec     record
	network Network
	set     netns.Set
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
	return &Cluster{cfg: cfg, rec: rec, network: networkOf(rec.Slot), set: netns.At(filepath.Join(runDir, cfg.Name))}
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

// Namespaces are where its node lives.
func (c *Cluster) Namespaces() netns.Set { return c.set }

// Context is the name of the entry in the kubeconfig.
func (c *Cluster) Context() string {
	if c.cfg.Name == DefaultName {
		return DefaultName
	}
	return DefaultName + "-" + c.cfg.Name
}

// cgroup is the cluster's cgroup in every hierarchy.
func (c *Cluster) cgroup() string {
	if c.cfg.Name == DefaultName {
		return "/" + DefaultName
	}
	return "/" + DefaultName + "-" + c.cfg.Name
}

// AdminKubeconfig is the file the server writes for people.
func (c *Cluster) AdminKubeconfig() string {
	return filepath.Join(c.rec.DataDir, "kubeconfig", "admin.kubeconfig")
}

// LogFile is where the server writes what happens.
func (c *Cluster) LogFile() string { return filepath.Join(c.rec.DataDir, "tiphys.log") }
