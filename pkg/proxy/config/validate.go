package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	logsapi "k8s.io/component-base/logs/api/v1"
	proxyconfig "k8s.io/kube-proxy/config/v1alpha1"
)

// Validate returns every reason why a complete configuration cannot be used.
func Validate(c *proxyconfig.KubeProxyConfiguration) field.ErrorList {
	var errs field.ErrorList
	root := field.NewPath("KubeProxyConfiguration")
	bad := func(path *field.Path, value any, why string) { errs = append(errs, field.Invalid(path, value, why)) }

	if _, err := netip.ParseAddr(c.BindAddress); err != nil {
		bad(root.Child("bindAddress"), c.BindAddress, "not a valid textual representation of an IP address")
	}
	if c.HealthzBindAddress != "" {
		errs = append(errs, validateHostPort(c.HealthzBindAddress, root.Child("healthzBindAddress"))...)
	}
	errs = append(errs, validateHostPort(c.MetricsBindAddress, root.Child("metricsBindAddress"))...)
	if c.OOMScoreAdj != nil && (*c.OOMScoreAdj < -1000 || *c.OOMScoreAdj > 1000) {
		bad(root.Child("oomScoreAdj"), *c.OOMScoreAdj, "must be within the range [-1000, 1000]")
	}
	if c.ConfigSyncPeriod.Duration <= 0 {
		bad(root.Child("configSyncPeriod"), c.ConfigSyncPeriod, "must be greater than 0")
	}
	if c.ClientConnection.Burst < 0 {
		bad(root.Child("clientConnection", "burst"), c.ClientConnection.Burst, "must be non-negative")
	}
	errs = append(errs, validateMode(c, root)...)
	errs = append(errs, validateDetectLocal(c, root)...)
	errs = append(errs, validateConntrack(&c.Conntrack, root.Child("conntrack"))...)
	errs = append(errs, validateNodePortAddresses(c.NodePortAddresses, root.Child("nodePortAddresses"))...)
	errs = append(errs, logsapi.Validate(&c.Logging, nil, root.Child("logging"))...)
	return errs
}

func validateMode(c *proxyconfig.KubeProxyConfiguration, root *field.Path) field.ErrorList {
	var errs field.ErrorList
	periods := func(path *field.Path, period, minPeriod metav1.Duration, used bool) {
		if used && period.Duration <= 0 {
			errs = append(errs, field.Invalid(path.Child("syncPeriod"), period, "must be greater than 0"))
		}
		if minPeriod.Duration < 0 {
			errs = append(errs, field.Invalid(path.Child("minSyncPeriod"), minPeriod, "must be greater than or equal to 0"))
		}
		if minPeriod.Duration > period.Duration {
			errs = append(errs, field.Invalid(path.Child("syncPeriod"), period, "must be greater than or equal to "+path.Child("minSyncPeriod").String()))
		}
	}
	bit := func(path *field.Path, b *int32) {
		if b != nil && (*b < 0 || *b > 31) {
			errs = append(errs, field.Invalid(path.Child("masqueradeBit"), *b, "must be within the range [0, 31]"))
		}
	}
	switch c.Mode {
	case ModeIPTables, ModeIPVS, ModeNFTables:
	default:
		errs = append(errs, field.Invalid(root.Child("mode"), string(c.Mode), "must be iptables, ipvs, nftables or blank (blank means the best-available proxy [currently iptables])"))
	}
	periods(root.Child("iptables"), c.IPTables.SyncPeriod, c.IPTables.MinSyncPeriod, c.Mode == ModeIPTables)
	periods(root.Child("ipvs"), c.IPVS.SyncPeriod, c.IPVS.MinSyncPeriod, c.Mode == ModeIPVS)
	periods(root.Child("nftables"), c.NFTables.SyncPeriod, c.NFTables.MinSyncPeriod, c.Mode == ModeNFTables)
	bit(root.Child("iptables"), c.IPTables.MasqueradeBit)
	bit(root.Child("nftables"), c.NFTables.MasqueradeBit)
	for i, cidr := range c.IPVS.ExcludeCIDRs {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			errs = append(errs, field.Invalid(root.Child("ipvs", "excludeCidrs").Index(i), cidr, "must be a valid CIDR value"))
		}
	}
	return errs
}

func validateDetectLocal(c *proxyconfig.KubeProxyConfiguration, root *field.Path) field.ErrorList {
	var errs field.ErrorList
	detect := root.Child("detectLocal")
	iface := func(path *field.Path, name string) {
		if name == "" {
			errs = append(errs, field.Invalid(path, name, "must not be empty"))
		} else if len(name) > 15 {
			errs = append(errs, field.Invalid(path, name, "must not be longer than 15 characters"))
		}
	}
	switch c.DetectLocalMode {
	case LocalModeClusterCIDR, "":
		errs = append(errs, validateClusterCIDR(c.ClusterCIDR, root.Child("clusterCIDR"))...)
	case LocalModeNodeCIDR:
	case LocalModeBridgeInterface:
		iface(detect.Child("bridgeInterface"), c.DetectLocal.BridgeInterface)
	case LocalModeInterfaceNamePrefix:
		iface(detect.Child("interfaceNamePrefix"), c.DetectLocal.InterfaceNamePrefix)
	default:
		errs = append(errs, field.NotSupported(root.Child("detectLocalMode"), c.DetectLocalMode, []string{
			string(LocalModeBridgeInterface), string(LocalModeClusterCIDR), string(LocalModeInterfaceNamePrefix), string(LocalModeNodeCIDR)}))
	}
	return errs
}

func validateClusterCIDR(value string, path *field.Path) field.ErrorList {
	if value == "" {
		return nil
	}
	cidrs := strings.Split(value, ",")
	if len(cidrs) > 2 {
		return field.ErrorList{field.Invalid(path, value, "only one CIDR allowed or a valid DualStack CIDR (e.g. 10.100.0.0/16,fde4:8dba:82e1::/48)")}
	}
	var seen [2]int
	for _, c := range cidrs {
		p, err := netip.ParsePrefix(strings.TrimSpace(c))
		if err != nil {
			return field.ErrorList{field.Invalid(path, c, "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)")}
		}
		if p.Addr().Is4() {
			seen[0]++
		} else {
			seen[1]++
		}
	}
	if seen[0] > 1 || seen[1] > 1 {
		return field.ErrorList{field.Invalid(path, value, "must be a valid DualStack CIDR (e.g. 10.100.0.0/16,fde4:8dba:82e1::/48)")}
	}
	return nil
}

func validateConntrack(c *proxyconfig.KubeProxyConntrackConfiguration, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	number := func(name string, v *int32) {
		if v != nil && *v < 0 {
			errs = append(errs, field.Invalid(path.Child(name), *v, "must be greater than or equal to 0"))
		}
	}
	timeout := func(name string, d time.Duration) {
		if d < 0 {
			errs = append(errs, field.Invalid(path.Child(name), d.String(), "must be greater than or equal to 0"))
		}
	}
	number("maxPerCore", c.MaxPerCore)
	number("min", c.Min)
	if c.TCPEstablishedTimeout != nil {
		timeout("tcpEstablishedTimeout", c.TCPEstablishedTimeout.Duration)
	}
	if c.TCPCloseWaitTimeout != nil {
		timeout("tcpCloseWaitTimeout", c.TCPCloseWaitTimeout.Duration)
	}
	timeout("udpTimeout", c.UDPTimeout.Duration)
	timeout("udpStreamTimeout", c.UDPStreamTimeout.Duration)
	return errs
}

func validateNodePortAddresses(list []string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, a := range list {
		if a == NodePortAddressesPrimary {
			if len(list) > 1 {
				errs = append(errs, field.Invalid(path.Index(i), a, "can't use both 'primary' and CIDRs"))
			}
			continue
		}
		if _, err := netip.ParsePrefix(a); err != nil {
			errs = append(errs, field.Invalid(path.Index(i), a, "must be a valid CIDR"))
		}
	}
	return errs
}

func validateHostPort(value string, path *field.Path) field.ErrorList {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		return field.ErrorList{field.Invalid(path, value, "must be IP:port")}
	}
	var errs field.ErrorList
	if _, err := netip.ParseAddr(host); err != nil {
		errs = append(errs, field.Invalid(path, host, "must be a valid IP"))
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		errs = append(errs, field.Invalid(path, port, "must be a valid port"))
	}
	return errs
}
