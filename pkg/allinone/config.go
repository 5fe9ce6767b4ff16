package allinone

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Config describes the cluster and its node.
type Config struct {
	// DataDir holds everything that must survive; RunDir sockets and what lives as long as the
	// machine runs.
	DataDir, RunDir string
	// NodeBinDir holds containerd, runc and the CNI plugins; ImageDir archives to import.
	NodeBinDir, ImageDir string

	NodeName string
	NodeIP   netip.Addr
	// JoinServer is the API server's URL of the cluster that this machine joins (see Agent); empty
	// for a cluster of its own.
	JoinServer string
	// APIPort is where the API server listens, on all addresses.
	APIPort int
	// ClusterCIDR is for pods, NodePodCIDR the part of it this node hands out.
	ClusterCIDR, NodePodCIDR netip.Prefix
	ServiceCIDR              netip.Prefix
	ClusterDNS               netip.Addr
	ClusterDomain            string
	// UpstreamDNS, if set, answers names of the outside world instead of the machine's resolv.conf.
	UpstreamDNS string
	// ExtraNames are further names and addresses of the API server, for its certificate.
	ExtraNames []string

	// CgroupRoot, if set, is made and used for this process and all pods.
	CgroupRoot string
	// SystemdCgroup selects the systemd cgroup driver.
	SystemdCgroup bool
	// RuntimeEndpoint is a CRI to use instead of a containerd of our own.
	RuntimeEndpoint string
	// KubeletDir is the kubelet's root directory.
	KubeletDir string

	// Binaries maps component names to programs that run instead of the built-in part.
	Binaries map[string]string
	// Arguments are further flags for those programs, by component.
	Arguments map[string][]string
	// Development relaxes what protects a real machine: disk thresholds and image clean-up, which
	// would remove imported images that no registry can give back.
	Development bool
	// Verbosity of the programs in Binaries.
	Verbosity int
	// Version of this program, for the status file.
	Version string
	// OnReady, if set, is called once, when all components have become ready.
	OnReady func()
}

// Default is a cluster on the machine itself. Addresses left empty are filled in by Complete.
func Default() Config {
	return Config{
		DataDir:       "/var/lib/tiphys/server",
		RunDir:        "/run/tiphys",
		APIPort:       6443,
		ClusterCIDR:   netip.MustParsePrefix("10.244.0.0/16"),
		ServiceCIDR:   netip.MustParsePrefix("10.96.0.0/16"),
		ClusterDomain: "cluster.local",
		KubeletDir:    "/var/lib/kubelet",
	}
}

// Complete fills in what follows from the rest and from the machine.
func (c *Config) Complete() error {
	if err := c.completeNode(); err != nil {
		return err
	}
	if !c.NodePodCIDR.IsValid() {
		c.NodePodCIDR = netip.PrefixFrom(c.ClusterCIDR.Masked().Addr(), max(24, c.ClusterCIDR.Bits()))
	}
	if !c.ClusterDNS.IsValid() {
		c.ClusterDNS = nth(c.ServiceCIDR, 10)
	}
	return nil
}

// completeNode fills in what is the machine's.
func (c *Config) completeNode() error {
	if c.NodeName == "" {
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("the machine's name: %w; give one with --node-name", err)
		}
		c.NodeName = strings.ToLower(name)
	}
	if !c.NodeIP.IsValid() {
		ip, err := machineAddress()
		if err != nil {
			return err
		}
		c.NodeIP = ip
	}
	return c.CompletePaths()
}

// CompletePaths finds the folders that come with the program.
func (c *Config) CompletePaths() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	if c.NodeBinDir == "" {
		c.NodeBinDir = firstDir(self, "../node/bin", "../lib/tiphys/bin")
	}
	if c.ImageDir == "" {
		c.ImageDir = firstDir(self, "../bundled", "../lib/tiphys/images")
	}
	return nil
}

// Validate checks what a person gave.
func (c Config) Validate() error {
	errs := c.validateNode(replaceable)
	if c.APIPort < 1 || c.APIPort > 65535 {
		errs = append(errs, fmt.Errorf("--api-port %d: not a port", c.APIPort))
	}
	if c.ClusterCIDR.Overlaps(c.ServiceCIDR) {
		errs = append(errs, fmt.Errorf("--cluster-cidr %s and --service-cidr %s overlap", c.ClusterCIDR, c.ServiceCIDR))
	}
	for flag, cidr := range map[string]netip.Prefix{"--cluster-cidr": c.ClusterCIDR, "--service-cidr": c.ServiceCIDR} {
		if cidr.IsValid() && cidr.Contains(c.NodeIP) {
			errs = append(errs, fmt.Errorf("the node's address %s lies in %s %s: choose another range", c.NodeIP, flag, cidr))
		}
	}
	if !c.ServiceCIDR.Contains(c.ClusterDNS) {
		errs = append(errs, fmt.Errorf("--cluster-dns %s is not in --service-cidr %s", c.ClusterDNS, c.ServiceCIDR))
	}
	if c.NodePodCIDR.Bits() < c.ClusterCIDR.Bits() || !c.ClusterCIDR.Contains(c.NodePodCIDR.Addr()) {
		errs = append(errs, fmt.Errorf("--node-pod-cidr %s is not in --cluster-cidr %s", c.NodePodCIDR, c.ClusterCIDR))
	}
	return errors.Join(errs...)
}

// validateNode checks what is the machine's. components are those that a program can replace.
func (c Config) validateNode(components []string) []error {
	var errs []error
	for flag, dir := range map[string]string{"--data-dir": c.DataDir, "--run-dir": c.RunDir, "--kubelet-dir": c.KubeletDir} {
		if !filepath.IsAbs(dir) {
			errs = append(errs, fmt.Errorf("%s %q: an absolute path is needed", flag, dir))
		}
	}
	for name, path := range c.Binaries {
		if !slices.Contains(components, name) {
			errs = append(errs, fmt.Errorf("--use-binary %s=…: the components are %s", name, strings.Join(components, ", ")))
		} else if _, err := exec.LookPath(path); err != nil {
			errs = append(errs, fmt.Errorf("--use-binary %s=%s: %w; name a program that is there", name, path, err))
		}
	}
	return errs
}

// ServiceIP is the ClusterIP of the API server.
func (c Config) ServiceIP() netip.Addr { return nth(c.ServiceCIDR, 1) }

// Server is the API server's URL for people and components.
func (c Config) Server() string {
	if c.JoinServer != "" {
		return c.JoinServer
	}
	return "https://" + netip.AddrPortFrom(c.NodeIP, uint16(c.APIPort)).String()
}

func nth(p netip.Prefix, n int) netip.Addr {
	a := p.Masked().Addr()
	for range n {
		a = a.Next()
	}
	return a
}

// firstDir gives the first of some folders, relative to the program's own, that exists.
func firstDir(self string, candidates ...string) string {
	for _, candidate := range candidates {
		dir := filepath.Join(filepath.Dir(self), candidate)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return filepath.Join(filepath.Dir(self), candidates[0])
}
