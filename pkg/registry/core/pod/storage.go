package pod

import (
	"context"
	"net/http"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/generic"
	policyclient "k8s.io/client-go/kubernetes/typed/policy/v1"

	"tiphys.dev/tiphys/pkg/apiserver/kubeletclient"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// Kubelets finds the kubelet of a node.
type Kubelets interface {
	Connect(ctx context.Context, node types.NodeName) (*kubeletclient.Connection, error)
}

// Config is what the subresources of pods need beside the store.
type Config struct {
	Kubelets Kubelets
	// ProxyTransport reaches pods directly.
	ProxyTransport http.RoundTripper
	// Budgets reads and counts down disruption budgets.
	Budgets policyclient.PodDisruptionBudgetsGetter
	// AllowPrivileged lets pods ask for privileged containers.
	AllowPrivileged bool
}

// New makes the storage of pods and of every subresource.
func New(getter generic.RESTOptionsGetter, c Config) (stored.Storage, error) {
	r := *resource
	if !c.AllowPrivileged {
		r.Check = forbidPrivileged
	}
	s, main, err := r.Storage(getter)
	if err != nil {
		return nil, err
	}
	pods := &finder{main.Store}
	binding := &BindingREST{store: main.Store}
	s["pods/binding"] = binding
	s["bindings"] = &LegacyBindingREST{binding}
	s["pods/eviction"] = &EvictionREST{store: main.Store, budgets: c.Budgets}
	s["pods/ephemeralcontainers"] = stored.NewPart(main, newEphemeralContainersStrategy())
	s["pods/resize"] = stored.NewPart(main, newResizeStrategy())
	s["pods/log"] = &LogREST{pods: pods, kubelets: c.Kubelets}
	s["pods/exec"] = &ExecREST{pods: pods, kubelets: c.Kubelets}
	s["pods/attach"] = &AttachREST{pods: pods, kubelets: c.Kubelets}
	s["pods/portforward"] = &PortForwardREST{pods: pods, kubelets: c.Kubelets}
	s["pods/proxy"] = &ProxyREST{pods: pods, transport: c.ProxyTransport}
	return s, nil
}
