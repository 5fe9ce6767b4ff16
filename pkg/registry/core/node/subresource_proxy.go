package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/registry/rest"

	"tiphys.dev/tiphys/pkg/registry/connect"
)

// ProxyREST hands HTTP requests on to a node: to its kubelet, or to another port.
type ProxyREST struct {
	kubelets  Kubelets
	transport http.RoundTripper
}

var _ rest.Connecter = &ProxyREST{}

// New implements rest.Storage.
func (r *ProxyREST) New() runtime.Object { return &corev1.NodeProxyOptions{} }

// Destroy implements rest.Storage.
func (r *ProxyREST) Destroy() {}

// NewConnectOptions implements rest.Connecter.
func (r *ProxyREST) NewConnectOptions() (runtime.Object, bool, string) {
	return &corev1.NodeProxyOptions{}, true, "path"
}

// ConnectMethods implements rest.Connecter.
func (r *ProxyREST) ConnectMethods() []string { return connect.ProxyMethods }

// Connect implements rest.Connecter. The name may carry scheme and port, as "http:name:9100".
func (r *ProxyREST) Connect(ctx context.Context, id string, opts runtime.Object, responder rest.Responder) (http.Handler, error) {
	o, ok := opts.(*corev1.NodeProxyOptions)
	if !ok {
		return nil, fmt.Errorf("invalid options object: %#v", opts)
	}
	scheme, name, port, valid := utilnet.SplitSchemeNamePort(id)
	if !valid {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("invalid node request %q", id))
	}
	k, err := r.kubelets.Connect(ctx, types.NodeName(name))
	if err != nil {
		return nil, err
	}
	location, transport := k.URL("", ""), k.Transport
	if port != "" && port != k.Port {
		location, transport = &url.URL{Scheme: scheme, Host: net.JoinHostPort(k.Host, port)}, r.transport
	}
	location.Path = utilnet.JoinPreservingTrailingSlash(location.Path, o.Path)
	return connect.Proxy(location, transport, true, responder), nil
}
