package allinone

import (
	"context"

	"tiphys.dev/tiphys/pkg/allinone/etcd"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// buildEtcd opens a Unix socket: the API server, built in or not, finds a restarted etcd there again.
func (a *assembly) buildEtcd(context.Context) (lifecycle.Runner, error) {
	return etcd.New(etcd.Config{Dir: a.paths.etcd(), Socket: a.paths.etcdSocket()})
}
