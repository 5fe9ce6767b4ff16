package kubelet

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"

	"tiphys.dev/tiphys/pkg/kubelet/sysctl"
)

// Config is what a Kubelet is built from.
type Config struct {
	// Client is the node's own identity at the API server. Nil runs static pods only.
	Client kubernetes.Interface
	// Informers shares a process's caches (services); nil: the kubelet makes its own.
	Informers informers.SharedInformerFactory
	// Kubelet is the documented configuration, defaults set (config.SetDefaults).
	Kubelet kubeletconfig.KubeletConfiguration

	// NodeName is the Node object's name; Hostname what the machine calls itself ("": NodeName).
	NodeName, Hostname string
	// NodeLabels are set at registration; NodeIPs are the node's addresses, one per family (empty: found out).
	NodeLabels map[string]string
	NodeIPs    []net.IP
	// ExternalCloud leaves addresses and provider ID to a cloud controller manager.
	ExternalCloud bool
	// RootDir is the kubelet's directory; "" means /var/lib/kubelet.
	RootDir string
	// CertDir holds the serving certificate when none is configured; "" means RootDir/pki.
	CertDir string
	// GetCertificate, when set, gives the serving certificate (a rotating one) instead.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// ContainerLogsDir holds flat links to container logs; "" means /var/log/containers.
	ContainerLogsDir string
	// CgroupMount is where cgroups are mounted; "" means /sys/fs/cgroup.
	CgroupMount string
	// MaxDeadPerContainer keeps that many dead containers for their logs; MaxDead bounds them all (-1: not).
	MaxDeadPerContainer, MaxDead int
	// KernelChanged is told which kernel settings of the host were changed, so that a development cluster can put them
	// back (sysctl.Restore). May be nil.
	KernelChanged func([]sysctl.Change)
	// Version is reported as the kubelet's.
	Version string
}

func (c *Config) complete() error {
	if c.NodeName == "" {
		return errors.New("kubelet: no node name")
	}
	for p, v := range map[*string]string{&c.Hostname: c.NodeName, &c.RootDir: "/var/lib/kubelet",
		&c.ContainerLogsDir: "/var/log/containers", &c.CgroupMount: "/sys/fs/cgroup"} {
		if *p == "" {
			*p = v
		}
	}
	if c.CertDir == "" {
		c.CertDir = filepath.Join(c.RootDir, "pki")
	}
	if c.MaxDead == 0 {
		c.MaxDead = -1
	}
	if c.MaxDeadPerContainer == 0 {
		c.MaxDeadPerContainer = 1
	}
	if c.Kubelet.ContainerRuntimeEndpoint == "" {
		return errors.New("kubelet: containerRuntimeEndpoint is not set")
	}
	for _, ip := range c.Kubelet.ClusterDNS {
		if net.ParseIP(ip) == nil {
			return fmt.Errorf("kubelet: clusterDNS: %q is no IP address", ip)
		}
	}
	return nil
}

// clusterDNS are the configured servers.
func (c *Config) clusterDNS() []net.IP {
	var all []net.IP
	for _, s := range c.Kubelet.ClusterDNS {
		all = append(all, net.ParseIP(s))
	}
	return all
}
