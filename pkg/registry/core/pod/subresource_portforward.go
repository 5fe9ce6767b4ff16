package pod

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"tiphys.dev/tiphys/pkg/registry/connect"
)

// PortForwardREST forwards connections to ports of a pod.
type PortForwardREST struct {
	pods     *finder
	kubelets Kubelets
}

var _ rest.Connecter = &PortForwardREST{}

// New implements rest.Storage.
func (r *PortForwardREST) New() runtime.Object { return &corev1.PodPortForwardOptions{} }

// Destroy implements rest.Storage.
func (r *PortForwardREST) Destroy() {}

// NewConnectOptions implements rest.Connecter.
func (r *PortForwardREST) NewConnectOptions() (runtime.Object, bool, string) {
	return &corev1.PodPortForwardOptions{}, false, ""
}

// ConnectMethods implements rest.Connecter.
func (r *PortForwardREST) ConnectMethods() []string { return connect.StreamMethods }

// Connect implements rest.Connecter.
func (r *PortForwardREST) Connect(ctx context.Context, name string, opts runtime.Object, responder rest.Responder) (http.Handler, error) {
	o, ok := opts.(*corev1.PodPortForwardOptions)
	if !ok {
		return nil, fmt.Errorf("invalid options object: %#v", opts)
	}
	pod, err := r.pods.pod(ctx, name)
	if err != nil {
		return nil, err
	}
	node, err := hostOf(pod)
	if err != nil {
		return nil, err
	}
	k, err := dial(ctx, r.kubelets, node)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	for _, p := range o.Ports {
		q.Add(corev1.PortHeader, strconv.Itoa(int(p)))
	}
	location := k.URL(path.Join("/portForward", pod.Namespace, pod.Name), q.Encode())
	return connect.Tunnel(location, k.Transport, k.StreamBytesPerSecond, responder), nil
}
