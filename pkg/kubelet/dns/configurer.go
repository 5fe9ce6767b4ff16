package dns

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	maxNameservers = 3
	maxSearches    = 32
	maxSearchChars = 2048
)

// clusterOptions make names with fewer than five dots be looked for in the search path first.
var clusterOptions = []string{"ndots:5"}

// Config is what a Configurer is built from.
type Config struct {
	// ClusterDNS are the cluster's servers, ClusterDomain its domain.
	ClusterDNS    []net.IP
	ClusterDomain string
	// ResolvConf is the node's file, handed to pods with policy Default. Empty means none.
	ResolvConf string
	// Recorder takes warnings about the pod.
	Recorder record.EventRecorder
}

// Configurer answers for one node.
type Configurer struct{ cfg Config }

// New builds a Configurer.
func New(cfg Config) (*Configurer, error) {
	if cfg.Recorder == nil {
		return nil, errors.New("dns: Recorder is required")
	}
	return &Configurer{cfg: cfg}, nil
}

// PodDNS returns the pod's resolv.conf.
func (c *Configurer) PodDNS(pod *v1.Pod) (*runtimeapi.DNSConfig, error) {
	out := &runtimeapi.DNSConfig{}
	switch policy := c.effective(pod); policy {
	case v1.DNSNone:
	case v1.DNSClusterFirst:
		host, err := c.host()
		if err != nil {
			return nil, err
		}
		for _, ip := range c.cfg.ClusterDNS {
			out.Servers = append(out.Servers, ip.String())
		}
		out.Searches = unique(slices.Concat(c.clusterSearches(pod.Namespace), host.Searches))
		out.Options = slices.Clone(clusterOptions)
	default:
		host, err := c.host()
		if err != nil {
			return nil, err
		}
		out = host
		if c.cfg.ResolvConf == "" {
			// No file of the node: only what answers inside the pod itself.
			out.Servers, out.Searches = []string{"127.0.0.1"}, []string{"."}
		}
	}
	if extra := pod.Spec.DNSConfig; extra != nil {
		out.Servers = unique(append(out.Servers, extra.Nameservers...))
		out.Searches = unique(append(out.Searches, extra.Searches...))
		out.Options = merge(out.Options, extra.Options)
	}
	c.limit(pod, out)
	return out, nil
}

// effective is the policy that remains after network mode and the node's settings had their say.
func (c *Configurer) effective(pod *v1.Pod) v1.DNSPolicy {
	switch policy := pod.Spec.DNSPolicy; policy {
	case v1.DNSNone, v1.DNSDefault:
		return policy
	case v1.DNSClusterFirst, "":
		if pod.Spec.HostNetwork {
			return v1.DNSDefault
		}
	case v1.DNSClusterFirstWithHostNet:
	default:
		return v1.DNSDefault
	}
	if len(c.cfg.ClusterDNS) == 0 {
		c.cfg.Recorder.Eventf(pod, v1.EventTypeWarning, "MissingClusterDNS",
			"pod: %q. kubelet does not have ClusterDNS IP configured and cannot create Pod using %q policy. Falling back to %q policy.",
			pod.Name+"_"+pod.Namespace+"("+string(pod.UID)+")", pod.Spec.DNSPolicy, v1.DNSDefault)
		return v1.DNSDefault
	}
	return v1.DNSClusterFirst
}

func (c *Configurer) clusterSearches(namespace string) []string {
	if c.cfg.ClusterDomain == "" {
		return nil
	}
	svc := "svc." + c.cfg.ClusterDomain
	return []string{namespace + "." + svc, svc, c.cfg.ClusterDomain}
}

// host reads the node's file each time: it changes with the network the node is in.
func (c *Configurer) host() (*runtimeapi.DNSConfig, error) {
	if c.cfg.ResolvConf == "" {
		return &runtimeapi.DNSConfig{}, nil
	}
	data, err := os.ReadFile(c.cfg.ResolvConf)
	if err != nil {
		return nil, fmt.Errorf("reading the node's resolver configuration: %w", err)
	}
	return Parse(string(data)), nil
}

// Parse reads a resolv.conf. Of search and options lines the last one counts, as in the resolver.
func Parse(text string) *runtimeapi.DNSConfig {
	out := &runtimeapi.DNSConfig{}
	for _, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") || strings.HasPrefix(fields[0], ";") {
			continue
		}
		switch fields[0] {
		case "nameserver":
			if len(fields) >= 2 {
				out.Servers = append(out.Servers, fields[1])
			}
		case "search":
			out.Searches = nil
			for _, s := range fields[1:] {
				if s != "." {
					s = strings.TrimSuffix(s, ".")
				}
				out.Searches = append(out.Searches, s)
			}
		case "options":
			out.Options = append([]string(nil), fields[1:]...)
		}
	}
	return out
}

// merge adds options; one that is there already under the same name is replaced.
func merge(have []string, extra []v1.PodDNSConfigOption) []string {
	values := map[string]string{}
	var order []string
	put := func(name, value string) {
		if _, ok := values[name]; !ok {
			order = append(order, name)
		}
		values[name] = value
	}
	for _, option := range have {
		name, value, _ := strings.Cut(option, ":")
		put(name, value)
	}
	for _, option := range extra {
		value := ""
		if option.Value != nil {
			value = *option.Value
		}
		put(option.Name, value)
	}
	out := make([]string, 0, len(order))
	for _, name := range order {
		if value := values[name]; value != "" {
			name += ":" + value
		}
		out = append(out, name)
	}
	return out
}

// limit cuts what the resolver would not read, and says so.
func (c *Configurer) limit(pod *v1.Pod, out *runtimeapi.DNSConfig) {
	if len(out.Servers) > maxNameservers {
		out.Servers = out.Servers[:maxNameservers]
		c.cfg.Recorder.Eventf(pod, v1.EventTypeWarning, "DNSConfigForming",
			"Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: %s", strings.Join(out.Servers, " "))
	}
	kept := out.Searches[:min(len(out.Searches), maxSearches)]
	for len(strings.Join(kept, " ")) > maxSearchChars {
		kept = kept[:len(kept)-1]
	}
	if len(kept) < len(out.Searches) {
		out.Searches = kept
		c.cfg.Recorder.Eventf(pod, v1.EventTypeWarning, "DNSConfigForming",
			"Search Line limits were exceeded, some search paths have been omitted, the applied search line is: %s", strings.Join(kept, " "))
	}
}

func unique(in []string) []string {
	out := in[:0:0]
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
