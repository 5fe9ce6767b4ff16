package allinone

import (
	"context"
	"net/netip"
	"os"

	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/allinone/welcome"
	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// buildWelcome publishes what machines that join must know.
func (a *assembly) buildWelcome(context.Context) (lifecycle.Runner, error) {
	client, err := a.client(pki.Admin)
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(a.pki.Cert("ca"))
	if err != nil {
		return nil, err
	}
	facts := welcome.Facts{Server: a.cfg.Server(), CA: ca, Kubelet: a.clusterKubelet(), Proxy: a.clusterProxy()}
	return lifecycle.RunnerFunc(func(ctx context.Context) error { return welcome.Publish(ctx, client, facts) }), nil
}

// buildApprover decides about the certificates that nodes ask for.
func (a *assembly) buildApprover(_ context.Context, informers *informer.View) (lifecycle.Runner, error) {
	client, err := a.client(pki.Admin)
	if err != nil {
		return nil, err
	}
	cluster := welcome.Cluster{
		Ranges: prefixes(a.cfg.ClusterCIDR, a.cfg.ServiceCIDR), ServerAddresses: []netip.Addr{a.cfg.NodeIP},
		ServerNames: []string{"kubernetes", "localhost", a.cfg.NodeName}, Domain: a.cfg.ClusterDomain,
	}
	for _, name := range a.cfg.ExtraNames {
		if ip, err := netip.ParseAddr(name); err == nil {
			cluster.ServerAddresses = append(cluster.ServerAddresses, ip.Unmap())
		} else {
			cluster.ServerNames = append(cluster.ServerNames, name)
		}
	}
	approver, err := welcome.New(welcome.Config{
		Client: client, Requests: informers.Certificates().V1().CertificateSigningRequests(), Nodes: informers.Core().V1().Nodes(), Cluster: cluster,
	})
	if err != nil {
		return nil, err
	}
	informers.Start(nil)
	return approver, nil
}
