package allinone

import (
	"context"

	"tiphys.dev/tiphys/pkg/allinone/etcd"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// buildEtcd opens a socket only for an API server that runs as another process.
func (a *assembly) buildEtcd(context.Context) (lifecycle.Runner, error) {
	cfg := etcd.Config{Dir: a.paths.etcd()}
	if a.cfg.Binaries[apiServerName] != "" {
		cfg.Socket = a.paths.etcdSocket()
	}
	store, err := etcd.New(cfg)
	if err != nil {
		return nil, err
	}
	a.store = store
	return store, nil
}
