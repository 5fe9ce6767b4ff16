package allinone

import (
	"context"
	"net"

	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/kubelet"
	"tiphys.dev/tiphys/pkg/kubelet/config"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

func (a *assembly) buildKubelet(_ context.Context, informers *informer.View) (lifecycle.Runner, error) {
	configuration, err := config.Load(a.paths.kubeletConf(), "")
	if err != nil {
		return nil, err
	}
	config.SetDefaults(configuration)
	client, err := a.client(pki.Kubelet)
	if err != nil {
		return nil, err
	}
	c := kubelet.Config{
		Client:   client,
		Kubelet:  *configuration,
		NodeName: a.cfg.NodeName,
		NodeIPs:  []net.IP{a.cfg.NodeIP.AsSlice()},
		RootDir:  a.cfg.KubeletDir,
		Version:  a.cfg.Version,
	}
	// On a machine that joined there are none to share.
	if informers != nil {
		c.Informers = informers
	}
	return kubelet.New(c)
}
