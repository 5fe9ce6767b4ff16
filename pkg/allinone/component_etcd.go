package allinone

import (
	"context"

	"tiphys.dev/tiphys/pkg/allinone/etcd"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// buildEtcd serves the built-in API server in the process, and one that is another program on a Unix socket.
func (a *assembly) buildEtcd(context.Context) (lifecycle.Runner, error) {
	return etcd.New(etcd.Config{Dir: a.paths.etcd(), Socket: a.paths.etcdSocket(), Source: a.store})
}
