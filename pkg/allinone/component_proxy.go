package allinone

import (
	"context"
	"net/netip"

	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/lifecycle"
	"tiphys.dev/tiphys/pkg/proxy"
	"tiphys.dev/tiphys/pkg/proxy/config"
	"tiphys.dev/tiphys/pkg/proxy/conntrack"
)

func (a *assembly) buildProxy(_ context.Context, informers *informer.View) (lifecycle.Runner, error) {
	configuration, unknown, err := config.Load(a.paths.proxyConf())
	if err != nil {
		return nil, err
	}
	if unknown != nil {
		return nil, unknown
	}
	config.SetDefaults(configuration)
	built, err := proxy.New(proxy.Config{
		Configuration:  configuration,
		NodeName:       a.cfg.NodeName,
		NodeIPs:        []netip.Addr{a.cfg.NodeIP},
		Services:       informers.Core().V1().Services(),
		EndpointSlices: informers.Discovery().V1().EndpointSlices(),
		Nodes:          informers.Core().V1().Nodes(),
		ServiceCIDRs:   informers.Networking().V1().ServiceCIDRs(),
		SysctlRoot:     conntrack.Root,
	})
	if err != nil {
		return nil, err
	}
	informers.Start(nil)
	return built, nil
}
