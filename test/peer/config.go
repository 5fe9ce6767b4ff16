package peer

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Config says what to start and where.
type Config struct {
	// Dir holds everything the cluster writes. Required.
	Dir string
	// BinDir holds upstream's binaries; default _output/upstream/bin of this checkout.
	BinDir string
	// BindAddress is where the API server listens; default 127.0.0.1. Use a bridge's address to let nodes in network
	// namespaces reach it.
	BindAddress string
	// AdvertiseAddress is published as the endpoint of the kubernetes service. Default: BindAddress, or, as endpoints must
	// not be loopback, an address of the documentation range.
	AdvertiseAddress string
	// SecurePort of the API server; 0 picks a free one.
	SecurePort int
	// ServiceCIDR and PodCIDR default to 10.96.0.0/12 and 10.244.0.0/16.
	ServiceCIDR, PodCIDR string
	// Nodes are the names that get a kubelet's kubeconfig; default node-1.
	Nodes []string
	// EtcdOnly starts etcd alone, for trying another API server on the same store.
	EtcdOnly bool
	// UnsafeNoFsync makes etcd skip fsync: for tests only, never for benchmarks.
	UnsafeNoFsync bool
	// ControllerManager and Scheduler start those too.
	ControllerManager, Scheduler bool
	// APIServerArgs and the others are appended to the command lines; a repeated flag wins.
	APIServerArgs, ControllerManagerArgs, SchedulerArgs, EtcdArgs []string
	// StartTimeout bounds the time until everything answers; default two minutes, for a busy machine.
	StartTimeout time.Duration
}

// withDefaults returns a completed copy, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("peer: Dir is required")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return c, fmt.Errorf("resolving %s: %w", c.Dir, err)
	}
	c.Dir = dir
	if c.BinDir == "" {
		c.BinDir = DefaultBinDir()
	}
	if c.BindAddress == "" {
		c.BindAddress = "127.0.0.1"
	}
	ip := net.ParseIP(c.BindAddress)
	if ip == nil {
		return c, fmt.Errorf("peer: BindAddress %q is no IP address", c.BindAddress)
	}
	if c.AdvertiseAddress == "" {
		c.AdvertiseAddress = c.BindAddress
		if ip.IsLoopback() || ip.IsUnspecified() {
			c.AdvertiseAddress = "203.0.113.10"
		}
	}
	if c.ServiceCIDR == "" {
		c.ServiceCIDR = "10.96.0.0/12"
	}
	if c.PodCIDR == "" {
		c.PodCIDR = "10.244.0.0/16"
	}
	if len(c.Nodes) == 0 {
		c.Nodes = []string{"node-1"}
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = 2 * time.Minute
	}
	for _, name := range c.binaries() {
		if _, err := os.Stat(filepath.Join(c.BinDir, name)); err != nil {
			return c, fmt.Errorf("upstream's %s is not built (hack/build-upstream.sh %s): %w", name, name, err)
		}
	}
	return c, nil
}

// binaries names what this configuration executes.
func (c Config) binaries() []string {
	names := []string{"etcd"}
	if c.EtcdOnly {
		return names
	}
	names = append(names, "kube-apiserver")
	if c.ControllerManager {
		names = append(names, "kube-controller-manager")
	}
	if c.Scheduler {
		names = append(names, "kube-scheduler")
	}
	return names
}

// DefaultBinDir is TIPHYS_UPSTREAM_BIN, or where hack/build-upstream.sh puts its output in the checkout this file was
// compiled from.
func DefaultBinDir() string {
	if dir := os.Getenv("TIPHYS_UPSTREAM_BIN"); dir != "" {
		return dir
	}
	return filepath.Join(output(), "upstream", "bin")
}

// OurBinDir is TIPHYS_BIN, or where make build puts its output in the same checkout.
func OurBinDir() string {
	if dir := os.Getenv("TIPHYS_BIN"); dir != "" {
		return dir
	}
	return filepath.Join(output(), "bin")
}

// OurAPIServer is the binary to compare with upstream's: ORACLE_APISERVER, or the one in OurBinDir.
func OurAPIServer() string {
	if path := os.Getenv("ORACLE_APISERVER"); path != "" {
		return path
	}
	return filepath.Join(OurBinDir(), "kube-apiserver")
}

func output() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "_output")
}
