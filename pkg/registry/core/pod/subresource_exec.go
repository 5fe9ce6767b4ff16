package pod

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/proxy"

	"tiphys.dev/tiphys/pkg/registry/connect"
)

// ExecREST runs a command in a container.
type ExecREST struct {
	pods     *finder
	kubelets Kubelets
}

// AttachREST joins the streams of a running container.
type AttachREST struct {
	pods     *finder
	kubelets Kubelets
}

var (
	_ rest.Connecter = &ExecREST{}
	_ rest.Connecter = &AttachREST{}
)

// New implements rest.Storage.
func (r *ExecREST) New() runtime.Object { return &corev1.PodExecOptions{} }

// Destroy implements rest.Storage.
func (r *ExecREST) Destroy() {}

// NewConnectOptions implements rest.Connecter.
func (r *ExecREST) NewConnectOptions() (runtime.Object, bool, string) {
	return &corev1.PodExecOptions{}, false, ""
}

// ConnectMethods implements rest.Connecter.
func (r *ExecREST) ConnectMethods() []string { return connect.StreamMethods }

// Connect implements rest.Connecter.
func (r *ExecREST) Connect(ctx context.Context, name string, opts runtime.Object, responder rest.Responder) (http.Handler, error) {
	o, ok := opts.(*corev1.PodExecOptions)
	if !ok {
		return nil, fmt.Errorf("invalid options object: %#v", opts)
	}
	streams := proxy.Options{Stdin: o.Stdin, Stdout: o.Stdout, Stderr: o.Stderr, Tty: o.TTY}
	return openStream(ctx, r.pods, r.kubelets, "/exec", name, o.Container, streams, o.Command, responder)
}

// New implements rest.Storage.
func (r *AttachREST) New() runtime.Object { return &corev1.PodAttachOptions{} }

// Destroy implements rest.Storage.
func (r *AttachREST) Destroy() {}

// NewConnectOptions implements rest.Connecter.
func (r *AttachREST) NewConnectOptions() (runtime.Object, bool, string) {
	return &corev1.PodAttachOptions{}, false, ""
}

// ConnectMethods implements rest.Connecter.
func (r *AttachREST) ConnectMethods() []string { return connect.StreamMethods }

// Connect implements rest.Connecter.
func (r *AttachREST) Connect(ctx context.Context, name string, opts runtime.Object, responder rest.Responder) (http.Handler, error) {
	o, ok := opts.(*corev1.PodAttachOptions)
	if !ok {
		return nil, fmt.Errorf("invalid options object: %#v", opts)
	}
	streams := proxy.Options{Stdin: o.Stdin, Stdout: o.Stdout, Stderr: o.Stderr, Tty: o.TTY}
	return openStream(ctx, r.pods, r.kubelets, "/attach", name, o.Container, streams, nil, responder)
}

// openStream connects the client with the container's streams at the kubelet.
func openStream(ctx context.Context, pods *finder, kubelets Kubelets, verb, name, wanted string, s proxy.Options, command []string, responder rest.Responder) (http.Handler, error) {
	pod, err := pods.pod(ctx, name)
	if err != nil {
		return nil, err
	}
	c, err := container(pod, wanted)
	if err != nil {
		return nil, err
	}
	node, err := hostOf(pod)
	if err != nil {
		return nil, err
	}
	k, err := dial(ctx, kubelets, node)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	for param, on := range map[string]bool{corev1.ExecStdinParam: s.Stdin, corev1.ExecStdoutParam: s.Stdout, corev1.ExecStderrParam: s.Stderr, corev1.ExecTTYParam: s.Tty} {
		if on {
			q.Set(param, "1")
		}
	}
	for _, word := range command {
		q.Add(corev1.ExecCommandParam, word)
	}
	location := k.URL(path.Join(verb, pod.Namespace, pod.Name, c), q.Encode())
	return connect.Stream(location, k.Transport, k.StreamBytesPerSecond, s, responder), nil
}
