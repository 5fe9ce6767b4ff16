package node

import (
	"context"
	"net/http"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/generic"

	"tiphys.dev/tiphys/pkg/apiserver/kubeletclient"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// Kubelets finds the kubelet of a node.
type Kubelets interface {
	Connect(ctx context.Context, node types.NodeName) (*kubeletclient.Connection, error)
}

// New makes the storage of nodes, their status and the proxy to them. transport reaches ports of nodes other than the
// kubelet's.
func New(getter generic.RESTOptionsGetter, kubelets Kubelets, transport http.RoundTripper) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	s["nodes/proxy"] = &ProxyREST{kubelets: kubelets, transport: transport}
	return s, nil
}
