package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/component-base/cli/flag"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"

	"tiphys.dev/tiphys/pkg/features"
	"tiphys.dev/tiphys/pkg/kubelet/config"
)

// options are the flags that are not part of the configuration file, and the file with the flags laid over it.
type options struct {
	configFile, configDir string
	kubeconfig            string
	bootstrapKubeconfig   string
	rootDir, certDir      string
	hostnameOverride      string
	nodeIP                string
	nodeLabels            map[string]string
	cloudProvider         string
	lockFile              string
	exitOnLockContention  bool
	maxDead               int
	maxDeadPerContainer   int
	version               bool

	// laid are the configuration flags given, in order.
	laid []laidFlag
}

type laidFlag struct {
	name, value string
	set         func(c *kubeletconfig.KubeletConfiguration, value string) error
}

// configFlag is a flag that sets a field of the configuration. It is kept until the file has been read, because a flag
// given wins over the file, and a flag not given does not.
type configFlag struct {
	o     *options
	name  string
	kind  string
	shown string
	set   func(c *kubeletconfig.KubeletConfiguration, value string) error
}

func (f *configFlag) String() string   { return f.shown }
func (f *configFlag) Type() string     { return f.kind }
func (f *configFlag) IsBoolFlag() bool { return f.kind == "bool" }
func (f *configFlag) Set(value string) error {
	// Tried at once, so that a wrong value is reported as a wrong flag.
	if err := f.set(&kubeletconfig.KubeletConfiguration{}, value); err != nil {
		return err
	}
	f.o.laid = append(f.o.laid, laidFlag{f.name, value, f.set})
	return nil
}

func (o *options) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("kubelet", pflag.ContinueOnError)
	fs.SetNormalizeFunc(flag.WordSepNormalizeFunc)
	fs.SortFlags = true
	fs.StringVar(&o.configFile, "config", "", "The Kubelet will load its initial configuration from this file. Flags given override it.")
	fs.StringVar(&o.configDir, "config-dir", "", "Directory of *.conf drop-ins laid over the configuration file, in lexical order.")
	fs.StringVar(&o.kubeconfig, "kubeconfig", "", "Path to a kubeconfig file, specifying how to connect to the API server. Without one the kubelet runs static pods only.")
	fs.StringVar(&o.bootstrapKubeconfig, "bootstrap-kubeconfig", "", "Path to a kubeconfig file used to request a client certificate when --kubeconfig does not exist yet.")
	fs.StringVar(&o.rootDir, "root-dir", "/var/lib/kubelet", "Directory path for managing kubelet files (volume mounts, etc).")
	fs.StringVar(&o.certDir, "cert-dir", "/var/lib/kubelet/pki", "The directory where the TLS certs are located.")
	fs.StringVar(&o.hostnameOverride, "hostname-override", "", "If non-empty, will use this string as identification instead of the actual hostname.")
	fs.StringVar(&o.nodeIP, "node-ip", "", "IP address (or comma-separated dual-stack IP addresses) of the node.")
	fs.Var(flag.NewMapStringString(&o.nodeLabels), "node-labels", "Labels to add when registering the node in the cluster.")
	fs.StringVar(&o.cloudProvider, "cloud-provider", "", "Set to external for running with an external cloud provider.")
	fs.StringVar(&o.lockFile, "lock-file", "", "The path to file for kubelet to use as a lock file.")
	fs.BoolVar(&o.exitOnLockContention, "exit-on-lock-contention", false, "Whether kubelet should exit upon lock-file contention.")
	fs.IntVar(&o.maxDead, "maximum-dead-containers", -1, "Maximum number of old instances of containers to retain globally; -1: no bound.")
	fs.IntVar(&o.maxDeadPerContainer, "maximum-dead-containers-per-container", 1, "Maximum number of old instances to retain per container.")
	for _, f := range configFlags {
		v := fs.VarPF(&configFlag{o: o, name: f.name, kind: f.kind, shown: f.shown, set: f.set}, f.name, "", f.usage)
		if f.kind == "bool" {
			v.NoOptDefVal = "true"
		}
	}
	for name, kind := range acceptedFlags {
		v := fs.VarPF(&configFlag{o: o, name: name, kind: kind, set: func(*kubeletconfig.KubeletConfiguration, string) error { return nil }}, name, "",
			"Accepted for compatibility; it has no effect here.")
		if kind == "bool" {
			v.NoOptDefVal = "true"
		}
		_ = fs.MarkHidden(name)
	}
	return fs
}

// load reads the files and lays the flags over them.
func (o *options) load() (*kubeletconfig.KubeletConfiguration, error) {
	c, err := config.Load(o.configFile, o.configDir)
	if err != nil {
		return nil, err
	}
	if o.configFile == "" && o.configDir == "" {
		legacy(c)
	}
	for _, f := range o.laid {
		if err := f.set(c, f.value); err != nil {
			return nil, fmt.Errorf("--%s: %w", f.name, err)
		}
	}
	config.SetDefaults(c)
	if err := features.Validate(c.FeatureGates); err != nil {
		return nil, fmt.Errorf("setting feature gates: %w", err)
	}
	return c, nil
}

// legacy are the defaults of flags, which are laxer than those of the file; they hold when there is no file.
func legacy(c *kubeletconfig.KubeletConfiguration) {
	yes, no := true, false
	c.Authentication.Anonymous.Enabled = &yes
	c.Authentication.Webhook.Enabled = &no
	c.Authorization.Mode = kubeletconfig.KubeletAuthorizationModeAlwaysAllow
	c.ReadOnlyPort = 10255
}

func (o *options) nodeName() (name, host string, err error) {
	host = o.hostnameOverride
	if host == "" {
		if host, err = os.Hostname(); err != nil {
			return "", "", fmt.Errorf("asking for the hostname: %w", err)
		}
	}
	host = strings.ToLower(strings.TrimSpace(host))
	if host == "" {
		return "", "", fmt.Errorf("the hostname is empty: give --hostname-override")
	}
	return host, host, nil
}

func (o *options) nodeIPs() ([]net.IP, error) {
	var ips []net.IP
	if o.nodeIP == "" {
		return nil, nil
	}
	for _, s := range strings.Split(o.nodeIP, ",") {
		ip := net.ParseIP(strings.TrimSpace(s))
		if ip == nil {
			return nil, fmt.Errorf("--node-ip: %q is no IP address", s)
		}
		if !ip.IsUnspecified() {
			ips = append(ips, ip)
		}
	}
	return ips, nil
}
