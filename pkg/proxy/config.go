package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	coreinformers "k8s.io/client-go/informers/core/v1"
	discoveryinformers "k8s.io/client-go/informers/discovery/v1"
	networkinginformers "k8s.io/client-go/informers/networking/v1"
	proxyconfig "k8s.io/kube-proxy/config/v1alpha1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/knftables"

	"tiphys.dev/tiphys/pkg/proxy/config"
	"tiphys.dev/tiphys/pkg/proxy/nftables"
	"tiphys.dev/tiphys/pkg/proxy/services"
)

// Config is what a proxy is built from.
type Config struct {
	// Configuration is complete and valid (see package config).
	Configuration *proxyconfig.KubeProxyConfiguration
	// NodeName is the own node's name.
	NodeName string
	// NodeIPs are the node's primary addresses, at most one of each family. Those
	// that are not given are read from the Node object.
	NodeIPs []netip.Addr

	// Informers whose factory the caller starts after New. They may be restricted to what a proxy needs (see
	// Selector) or show everything. ServiceCIDRs is optional.
	Services       coreinformers.ServiceInformer
	EndpointSlices discoveryinformers.EndpointSliceInformer
	Nodes          coreinformers.NodeInformer
	ServiceCIDRs   networkinginformers.ServiceCIDRInformer

	// Clock is the real one when nil.
	Clock clock.WithTicker
	// NFTables opens a table; the kernel's when nil.
	NFTables func(family services.Family) (knftables.Interface, error)
	// Listen opens ports; the host's when nil. An empty address in Configuration opens none.
	Listen func(ctx context.Context, address string) (net.Listener, error)
	// SysctlRoot is where conntrack settings are; empty leaves them alone.
	SysctlRoot string
}

// Selector is the label selector of Services and EndpointSlices that matter to a proxy.
const Selector = "!" + services.LabelServiceProxyName + ",!service.kubernetes.io/headless"

// Validate checks that everything needed is there.
func (c *Config) Validate() error {
	var errs []error
	if c.Configuration == nil {
		errs = append(errs, errors.New("no configuration"))
	} else if list := config.Validate(c.Configuration); len(list) > 0 {
		errs = append(errs, list.ToAggregate())
	}
	if c.NodeName == "" {
		errs = append(errs, errors.New("no node name"))
	}
	if c.Services == nil || c.EndpointSlices == nil || c.Nodes == nil {
		errs = append(errs, errors.New("services, endpoint slices and nodes need an informer each"))
	}
	return errors.Join(errs...)
}

func (c *Config) setDefaults() {
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if c.NFTables == nil {
		c.NFTables = func(f services.Family) (knftables.Interface, error) {
			family := knftables.IPv4Family
			if f == services.IPv6 {
				family = knftables.IPv6Family
			}
			return knftables.New(family, nftables.TableName)
		}
	}
	if c.Listen == nil {
		c.Listen = func(ctx context.Context, address string) (net.Listener, error) {
			return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		}
	}
}

// options translates the configuration for one family's rules.
func options(c *proxyconfig.KubeProxyConfiguration, family services.Family) nftables.Options {
	_, _, bit, all := config.Sync(c)
	o := nftables.Options{
		Family:         family,
		MasqueradeMark: 1 << uint(bit),
		MasqueradeAll:  all,
		// As upstream: the mode nftables never did, the older ones do unless told to be liberal.
		DropInvalid: c.Mode != config.ModeNFTables && !c.Conntrack.TCPBeLiberal,
	}
	switch c.DetectLocalMode {
	case config.LocalModeNodeCIDR:
		o.LocalTraffic.NodeCIDR = true
	case config.LocalModeBridgeInterface:
		o.LocalTraffic.Interface = c.DetectLocal.BridgeInterface
	case config.LocalModeInterfaceNamePrefix:
		o.LocalTraffic.Interface = c.DetectLocal.InterfaceNamePrefix + "*"
	default:
		for _, s := range strings.Split(c.ClusterCIDR, ",") {
			if p, err := netip.ParsePrefix(strings.TrimSpace(s)); err == nil && services.FamilyOf(p.Addr()) == family {
				o.LocalTraffic.CIDR = p
			}
		}
	}
	for _, a := range c.NodePortAddresses {
		if a == config.NodePortAddressesPrimary {
			o.NodePortPrimary = true
		} else if p, err := netip.ParsePrefix(a); err == nil {
			if p.Bits() == 0 && services.FamilyOf(p.Addr()) == family {
				o.NodePortAddresses = nil // all of them
				break
			}
			o.NodePortAddresses = append(o.NodePortAddresses, p)
		}
	}
	return o
}
