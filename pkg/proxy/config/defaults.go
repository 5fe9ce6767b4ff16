package config

import (
	"net"
	"net/netip"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	logsapi "k8s.io/component-base/logs/api/v1"
	proxyconfig "k8s.io/kube-proxy/config/v1alpha1"
	"k8s.io/utils/ptr"
)

// Modes of the configuration. All are carried out with nftables.
const (
	ModeIPTables proxyconfig.ProxyMode = "iptables"
	ModeIPVS     proxyconfig.ProxyMode = "ipvs"
	ModeNFTables proxyconfig.ProxyMode = "nftables"
)

// Ways to recognize traffic of local pods.
const (
	LocalModeClusterCIDR         proxyconfig.LocalMode = "ClusterCIDR"
	LocalModeNodeCIDR            proxyconfig.LocalMode = "NodeCIDR"
	LocalModeBridgeInterface     proxyconfig.LocalMode = "BridgeInterface"
	LocalModeInterfaceNamePrefix proxyconfig.LocalMode = "InterfaceNamePrefix"
)

// NodePortAddressesPrimary stands for the node's primary address in nodePortAddresses.
const NodePortAddressesPrimary = "primary"

// Ports on which a proxy answers.
const (
	healthzPort = "10256"
	metricsPort = "10249"
)

// SetDefaults fills what is not set. Doing it twice changes nothing.
func SetDefaults(c *proxyconfig.KubeProxyConfiguration) {
	str := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	str(&c.BindAddress, "0.0.0.0")
	anywhere, loopback := "0.0.0.0", "127.0.0.1"
	if a, err := netip.ParseAddr(c.BindAddress); err == nil && a.Is6() {
		anywhere, loopback = "::", "::1"
	}
	c.HealthzBindAddress = withPort(c.HealthzBindAddress, anywhere, healthzPort)
	c.MetricsBindAddress = withPort(c.MetricsBindAddress, loopback, metricsPort)
	if c.OOMScoreAdj == nil {
		c.OOMScoreAdj = ptr.To[int32](-999)
	}
	str((*string)(&c.Mode), string(ModeIPTables))
	str((*string)(&c.DetectLocalMode), string(LocalModeClusterCIDR))
	duration(&c.ConfigSyncPeriod, 15*time.Minute)
	setModeDefaults(c)
	setConntrackDefaults(&c.Conntrack)

	str(&c.ClientConnection.ContentType, "application/vnd.kubernetes.protobuf")
	if c.ClientConnection.QPS == 0 {
		c.ClientConnection.QPS = 5
	}
	if c.ClientConnection.Burst == 0 {
		c.ClientConnection.Burst = 10
	}
	if c.FeatureGates == nil {
		c.FeatureGates = map[string]bool{}
	}
	logsapi.SetRecommendedLoggingConfiguration(&c.Logging)
}

// setModeDefaults fills the section of the mode that was asked for; the others
// stay as they are, so that a written configuration shows what has an effect.
func setModeDefaults(c *proxyconfig.KubeProxyConfiguration) {
	for _, bit := range []**int32{&c.IPTables.MasqueradeBit, &c.NFTables.MasqueradeBit} {
		if *bit == nil {
			*bit = ptr.To[int32](14)
		}
	}
	if c.IPTables.LocalhostNodePorts == nil {
		c.IPTables.LocalhostNodePorts = ptr.To(true)
	}
	switch c.Mode {
	case ModeIPTables:
		duration(&c.IPTables.SyncPeriod, 30*time.Second)
		duration(&c.IPTables.MinSyncPeriod, time.Second)
	case ModeIPVS:
		duration(&c.IPVS.SyncPeriod, 30*time.Second)
		duration(&c.IPVS.MinSyncPeriod, time.Second)
	case ModeNFTables:
		duration(&c.NFTables.SyncPeriod, 30*time.Second)
		duration(&c.NFTables.MinSyncPeriod, time.Second)
		if c.NodePortAddresses == nil {
			c.NodePortAddresses = []string{NodePortAddressesPrimary}
		}
	}
}

func setConntrackDefaults(c *proxyconfig.KubeProxyConntrackConfiguration) {
	if c.MaxPerCore == nil {
		c.MaxPerCore = ptr.To[int32](32 * 1024)
	}
	if c.Min == nil {
		c.Min = ptr.To[int32](128 * 1024)
	}
	if c.TCPEstablishedTimeout == nil {
		c.TCPEstablishedTimeout = &metav1.Duration{Duration: 24 * time.Hour}
	}
	if c.TCPCloseWaitTimeout == nil {
		c.TCPCloseWaitTimeout = &metav1.Duration{Duration: time.Hour}
	}
}

func duration(field *metav1.Duration, value time.Duration) {
	if field.Duration == 0 {
		field.Duration = value
	}
}

// withPort completes an address that lacks its port, or is empty.
func withPort(address, host, port string) string {
	if address == "" {
		return net.JoinHostPort(host, port)
	}
	if a, err := netip.ParseAddr(address); err == nil {
		return net.JoinHostPort(a.String(), port)
	}
	return address
}

// Sync returns the periods, mask bit and masqueradeAll of the configured mode.
func Sync(c *proxyconfig.KubeProxyConfiguration) (period, minPeriod time.Duration, bit int32, all bool) {
	switch c.Mode {
	case ModeIPVS:
		return c.IPVS.SyncPeriod.Duration, c.IPVS.MinSyncPeriod.Duration, *c.IPTables.MasqueradeBit, c.IPTables.MasqueradeAll
	case ModeNFTables:
		return c.NFTables.SyncPeriod.Duration, c.NFTables.MinSyncPeriod.Duration, *c.NFTables.MasqueradeBit, c.NFTables.MasqueradeAll
	}
	return c.IPTables.SyncPeriod.Duration, c.IPTables.MinSyncPeriod.Duration, *c.IPTables.MasqueradeBit, c.IPTables.MasqueradeAll
}
