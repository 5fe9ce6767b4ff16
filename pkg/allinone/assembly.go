package allinone

import (
	"context"
	"net/netip"

	"tiphys.dev/tiphys/pkg/allinone/containerd"
	"tiphys.dev/tiphys/pkg/allinone/etcd"
	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// assembly holds what the parts of one cluster have in common while they are put together.
type assembly struct {
	cfg        Config
	paths      paths
	pki        pki.Files
	nodeFiles  nodeFiles
	containerd containerd.Config
	// store is the embedded etcd, for the built-in API server.
	store *etcd.Source
	// informers serve all built-in components.
	informers *informer.Factory
}

// nodeFiles are the node's own certificates: written by pki on the server, asked for on a machine
// that joins.
type nodeFiles struct{ ca, servingCert, servingKey string }

// build is how lifecycle makes a fresh Runner.
type build = func(ctx context.Context) (lifecycle.Runner, error)

// runtimeEndpoint is the CRI the kubelet uses.
func (a *assembly) runtimeEndpoint() string {
	if a.cfg.RuntimeEndpoint != "" {
		return a.cfg.RuntimeEndpoint
	}
	return a.containerd.Endpoint()
}

func prefixes(p ...netip.Prefix) []netip.Prefix { return p }
