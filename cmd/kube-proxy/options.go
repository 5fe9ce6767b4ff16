package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cliflag "k8s.io/component-base/cli/flag"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/version/verflag"
	proxyconfig "k8s.io/kube-proxy/config/v1alpha1"

	"tiphys.dev/tiphys/pkg/features"
	"tiphys.dev/tiphys/pkg/proxy/config"
)

// options are what the command line says.
type options struct {
	configFile, writeConfigTo string
	cleanup, initOnly         bool
	master                    string

	fs      *pflag.FlagSet
	logging *logsapi.LoggingConfiguration
	// set holds, for each flag that stands for a field of the configuration, how to put its value there.
	set []setter
	// strictWarning is what the file contains and we do not know.
	strictWarning error
}

type setter struct {
	flag  string
	apply func(*proxyconfig.KubeProxyConfiguration)
}

func newOptions() *options {
	return &options{logging: logsapi.NewLoggingConfiguration()}
}

// bind makes a flag that is written to the configuration when it was given.
func bind[T any](o *options, name string, value *T, apply func(*proxyconfig.KubeProxyConfiguration, T)) {
	o.set = append(o.set, setter{name, func(c *proxyconfig.KubeProxyConfiguration) { apply(c, *value) }})
}

func (o *options) addFlags(fs *pflag.FlagSet) {
	o.fs = fs
	fs.SortFlags = true
	fs.StringVar(&o.configFile, "config", "", "The path to the configuration file. With it, flags that stand for one of its fields have no effect, except --hostname-override and those for logging.")
	fs.StringVar(&o.writeConfigTo, "write-config-to", "", "If set, write the complete configuration to this file and exit.")
	fs.BoolVar(&o.cleanup, "cleanup", false, "Remove the proxy's rules and exit.")
	fs.BoolVar(&o.initOnly, "init-only", false, "Do what needs full root privileges (kernel settings) and exit.")
	fs.StringVar(&o.master, "master", "", "The address of the Kubernetes API server (overrides any value in kubeconfig).")
	fs.String("boot-id-file", "/proc/sys/kernel/random/boot_id", "Accepted for compatibility, has no effect.")
	fs.String("machine-id-file", "/etc/machine-id,/var/lib/dbus/machine-id", "Accepted for compatibility, has no effect.")
	logsapi.AddFlags(o.logging, fs)
	verflag.AddFlags(fs)
	o.addGeneralFlags(fs)
	o.addModeFlags(fs)
	o.addConntrackFlags(fs)
}

type cfg = proxyconfig.KubeProxyConfiguration

func (o *options) addGeneralFlags(fs *pflag.FlagSet) {
	str := func(name, usage string, apply func(*cfg, string)) { bind(o, name, fs.String(name, "", usage), apply) }
	yes := func(name, usage string, apply func(*cfg, bool)) { bind(o, name, fs.Bool(name, false, usage), apply) }

	ip := newValue("ip", "0.0.0.0", checkIP)
	fs.Var(ip, "bind-address", "The node's primary IP, if it is not the one that its Node object names. No socket is bound to it.")
	bind(o, "bind-address", &ip.text, func(c *cfg, v string) { c.BindAddress = v })
	hz := newValue("ipport", "0.0.0.0:10256", checkIPPort)
	fs.Var(hz, "healthz-bind-address", "The IP address and port for the health check server.")
	bind(o, "healthz-bind-address", &hz.text, func(c *cfg, v string) { c.HealthzBindAddress = v })
	mx := newValue("ipport", "127.0.0.1:10249", checkIPPort)
	fs.Var(mx, "metrics-bind-address", "The IP address and port for the metrics server.")
	bind(o, "metrics-bind-address", &mx.text, func(c *cfg, v string) { c.MetricsBindAddress = v })
	mode := newValue("ProxyMode", "", nil)
	fs.Var(mode, "proxy-mode", "iptables, ipvs or nftables. Services are programmed with nftables in any case.")
	bind(o, "proxy-mode", &mode.text, func(c *cfg, v string) { c.Mode = proxyconfig.ProxyMode(v) })
	local := newValue("LocalMode", "", nil)
	fs.Var(local, "detect-local-mode", "How to recognize traffic of local pods: ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix.")
	bind(o, "detect-local-mode", &local.text, func(c *cfg, v string) { c.DetectLocalMode = proxyconfig.LocalMode(v) })

	yes("bind-address-hard-fail", "Exit when a port cannot be opened.", func(c *cfg, v bool) { c.BindAddressHardFail = v })
	yes("profiling", "Serve /debug/pprof on the metrics port.", func(c *cfg, v bool) { c.EnableProfiling = v })
	str("cluster-cidr", "The range of pod addresses; for dual stack two, separated by a comma.", func(c *cfg, v string) { c.ClusterCIDR = v })
	str("hostname-override", "The node's name, if it is not the hostname.", func(c *cfg, v string) { c.HostnameOverride = v })
	str("kubeconfig", "Path to a kubeconfig file; without one the pod's service account is used.", func(c *cfg, v string) { c.ClientConnection.Kubeconfig = v })
	str("pod-bridge-interface", "The bridge of the pods, for --detect-local-mode=BridgeInterface.", func(c *cfg, v string) { c.DetectLocal.BridgeInterface = v })
	str("pod-interface-name-prefix", "The prefix of the pods' interfaces, for --detect-local-mode=InterfaceNamePrefix.", func(c *cfg, v string) { c.DetectLocal.InterfaceNamePrefix = v })
	str("show-hidden-metrics-for-version", "Accepted for compatibility: no metric is hidden.", func(c *cfg, v string) { c.ShowHiddenMetricsForVersion = v })
	bind(o, "kube-api-content-type", fs.String("kube-api-content-type", "application/vnd.kubernetes.protobuf", "Content type of requests."), func(c *cfg, v string) { c.ClientConnection.ContentType = v })
	bind(o, "kube-api-burst", fs.Int32("kube-api-burst", 10, "Burst of requests to the API server."), func(c *cfg, v int32) { c.ClientConnection.Burst = v })
	bind(o, "kube-api-qps", fs.Float32("kube-api-qps", 5, "Requests to the API server each second."), func(c *cfg, v float32) { c.ClientConnection.QPS = v })
	bind(o, "config-sync-period", fs.Duration("config-sync-period", 15*time.Minute, "How often objects are looked at again without a change."), func(c *cfg, v time.Duration) { c.ConfigSyncPeriod.Duration = v })
	bind(o, "nodeport-addresses", fs.StringSlice("nodeport-addresses", nil, "CIDRs of the local addresses that accept node ports, or 'primary' for the node's primary ones; unset means all."), func(c *cfg, v []string) { c.NodePortAddresses = v })
	bind(o, "oom-score-adj", fs.Int32("oom-score-adj", -999, "The process's oom-score-adj, from -1000 to 1000."), func(c *cfg, v int32) { c.OOMScoreAdj = &v })
	gates := map[string]bool{}
	fs.Var(cliflag.NewMapStringBool(&gates), "feature-gates", "key=value pairs of feature gates; none changes this implementation.")
	bind(o, "feature-gates", &gates, func(c *cfg, v map[string]bool) { c.FeatureGates = v })
}

// addModeFlags adds the flags of the modes. Those named after iptables fill the
// nftables section when that is the mode, as upstream's do.
func (o *options) addModeFlags(fs *pflag.FlagSet) {
	dur := func(name string, value time.Duration, usage string, apply func(*cfg, time.Duration)) {
		bind(o, name, fs.Duration(name, value, usage), apply)
	}
	dur("iptables-sync-period", 30*time.Second, "How often the rules are checked, in the modes iptables and nftables.", func(c *cfg, v time.Duration) {
		if c.Mode == config.ModeNFTables {
			c.NFTables.SyncPeriod.Duration = v
		} else {
			c.IPTables.SyncPeriod.Duration = v
		}
	})
	dur("iptables-min-sync-period", time.Second, "The time in which one pass is allowed, in the modes iptables and nftables; a few are saved for bursts.", func(c *cfg, v time.Duration) {
		if c.Mode == config.ModeNFTables {
			c.NFTables.MinSyncPeriod.Duration = v
		} else {
			c.IPTables.MinSyncPeriod.Duration = v
		}
	})
	bind(o, "masquerade-all", fs.Bool("masquerade-all", false, "Masquerade all traffic to cluster IPs."), func(c *cfg, v bool) {
		if c.Mode == config.ModeNFTables {
			c.NFTables.MasqueradeAll = v
		} else {
			c.IPTables.MasqueradeAll = v
		}
	})
	bind(o, "iptables-masquerade-bit", fs.Int32("iptables-masquerade-bit", 14, "The bit of the packet mark that asks for masquerading, from 0 to 31."), func(c *cfg, v int32) { c.IPTables.MasqueradeBit = &v })
	bind(o, "iptables-localhost-nodeports", fs.Bool("iptables-localhost-nodeports", true, "Accepted for compatibility: node ports are not served on loopback addresses."), func(c *cfg, v bool) { c.IPTables.LocalhostNodePorts = &v })
	bind(o, "ipvs-exclude-cidrs", fs.StringSlice("ipvs-exclude-cidrs", nil, "Accepted for compatibility, has no effect."), func(c *cfg, v []string) { c.IPVS.ExcludeCIDRs = v })
	bind(o, "ipvs-scheduler", fs.String("ipvs-scheduler", "", "Accepted for compatibility, has no effect."), func(c *cfg, v string) { c.IPVS.Scheduler = v })
	bind(o, "ipvs-strict-arp", fs.Bool("ipvs-strict-arp", false, "Accepted for compatibility, has no effect."), func(c *cfg, v bool) { c.IPVS.StrictARP = v })
	dur("ipvs-sync-period", 30*time.Second, "How often the rules are checked, in the mode ipvs.", func(c *cfg, v time.Duration) { c.IPVS.SyncPeriod.Duration = v })
	dur("ipvs-min-sync-period", time.Second, "The time in which one pass is allowed, in the mode ipvs.", func(c *cfg, v time.Duration) { c.IPVS.MinSyncPeriod.Duration = v })
	dur("ipvs-tcp-timeout", 0, "Accepted for compatibility, has no effect.", func(c *cfg, v time.Duration) { c.IPVS.TCPTimeout.Duration = v })
	dur("ipvs-tcpfin-timeout", 0, "Accepted for compatibility, has no effect.", func(c *cfg, v time.Duration) { c.IPVS.TCPFinTimeout.Duration = v })
	dur("ipvs-udp-timeout", 0, "Accepted for compatibility, has no effect.", func(c *cfg, v time.Duration) { c.IPVS.UDPTimeout.Duration = v })
}

func (o *options) addConntrackFlags(fs *pflag.FlagSet) {
	dur := func(name string, value time.Duration, usage string, apply func(*cfg, time.Duration)) {
		bind(o, name, fs.Duration(name, value, usage), apply)
	}
	bind(o, "conntrack-max-per-core", fs.Int32("conntrack-max-per-core", 32768, "Connections to track for each CPU core; 0 leaves the limit alone."), func(c *cfg, v int32) { c.Conntrack.MaxPerCore = &v })
	bind(o, "conntrack-min", fs.Int32("conntrack-min", 131072, "Connections to track at least."), func(c *cfg, v int32) { c.Conntrack.Min = &v })
	bind(o, "conntrack-tcp-be-liberal", fs.Bool("conntrack-tcp-be-liberal", false, "Accept packets outside of the TCP window, and do not drop invalid ones."), func(c *cfg, v bool) { c.Conntrack.TCPBeLiberal = v })
	dur("conntrack-tcp-timeout-established", 24*time.Hour, "Timeout of idle connections; 0 leaves it alone.", func(c *cfg, v time.Duration) {
		c.Conntrack.TCPEstablishedTimeout = &metav1.Duration{Duration: v}
	})
	dur("conntrack-tcp-timeout-close-wait", time.Hour, "Timeout of connections in state CLOSE_WAIT.", func(c *cfg, v time.Duration) {
		c.Conntrack.TCPCloseWaitTimeout = &metav1.Duration{Duration: v}
	})
	dur("conntrack-udp-timeout", 0, "Timeout of UDP exchanges without an answer; 0 leaves it alone.", func(c *cfg, v time.Duration) { c.Conntrack.UDPTimeout.Duration = v })
	dur("conntrack-udp-timeout-stream", 0, "Timeout of UDP exchanges with answers; 0 leaves it alone.", func(c *cfg, v time.Duration) { c.Conntrack.UDPStreamTimeout.Duration = v })
}

// withFile are flags that have an effect beside a configuration file.
var withFile = map[string]bool{"hostname-override": true}

// complete makes the configuration from file or flags.
func (o *options) complete() (*proxyconfig.KubeProxyConfiguration, error) {
	c := config.New()
	if o.configFile != "" {
		var err error
		if c, o.strictWarning, err = config.Load(o.configFile); err != nil {
			return nil, err
		}
	}
	// The mode decides where some of the others go.
	for _, first := range []bool{true, false} {
		for _, s := range o.set {
			if (s.flag == "proxy-mode") == first && o.fs.Changed(s.flag) && (o.configFile == "" || withFile[s.flag]) {
				s.apply(c)
			}
		}
	}
	if err := o.applyLogging(c); err != nil {
		return nil, err
	}
	config.SetDefaults(c)
	if err := features.Validate(c.FeatureGates); err != nil {
		return nil, fmt.Errorf("setting feature gates: %w", err)
	}
	return c, nil
}

// applyLogging lets flags for logging win over the file.
func (o *options) applyLogging(c *proxyconfig.KubeProxyConfiguration) error {
	if o.configFile == "" {
		c.Logging = *o.logging
		return nil
	}
	logsapi.SetRecommendedLoggingConfiguration(&c.Logging)
	again := pflag.NewFlagSet("logging", pflag.ContinueOnError)
	logsapi.AddFlags(&c.Logging, again)
	var err error
	again.VisitAll(func(f *pflag.Flag) {
		if given := o.fs.Lookup(f.Name); given != nil && given.Changed && err == nil {
			err = f.Value.Set(given.Value.String())
		}
	})
	return err
}

// value is a text flag with a type of its own and a check.
type value struct {
	kind, text string
	check      func(string) error
}

func newValue(kind, text string, check func(string) error) *value { return &value{kind, text, check} }

func (v *value) String() string { return v.text }
func (v *value) Type() string   { return v.kind }
func (v *value) Set(s string) error {
	if v.check != nil {
		if err := v.check(s); err != nil {
			return err
		}
	}
	v.text = s
	return nil
}

func checkIP(s string) error {
	if _, err := netip.ParseAddr(s); err != nil && s != "" {
		return fmt.Errorf("%q is not a valid IP address", s)
	}
	return nil
}

// checkIPPort accepts an address with or without port; empty turns the server off.
func checkIPPort(s string) error {
	if s == "" || checkIP(s) == nil {
		return nil
	}
	if _, err := netip.ParseAddrPort(s); err != nil {
		return fmt.Errorf("%q is not a valid IP address with or without port", s)
	}
	return nil
}
