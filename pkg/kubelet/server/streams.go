package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/proxy"
	translator "k8s.io/apiserver/pkg/util/proxy"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubelettypes "k8s.io/kubelet/pkg/types"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

// streams are what the client asked to be connected to.
type streams struct{ stdin, stdout, stderr, tty bool }

// streamsOf reads both spellings: the kubelet's own, and the API's that direct clients use.
func streamsOf(q url.Values) (streams, error) {
	is := func(keys ...string) bool {
		for _, key := range keys {
			if v := q.Get(key); v == "1" || v == "true" {
				return true
			}
		}
		return false
	}
	out := streams{stdin: is("input", "stdin"), stdout: is("output", "stdout"), stderr: is("error", "stderr"), tty: is("tty")}
	if out.tty {
		out.stderr = false // a terminal has one output
	}
	if !out.stdin && !out.stdout && !out.stderr {
		return out, errors.New("you must specify at least 1 of stdin, stdout, stderr")
	}
	return out, nil
}

func (s *Server) exec(w http.ResponseWriter, r *http.Request) {
	id, want, ok := s.streamTarget(w, r)
	if !ok {
		return
	}
	res, err := s.cfg.CRI.Exec(r.Context(), &runtimeapi.ExecRequest{ContainerId: id, Cmd: r.URL.Query()["command"],
		Stdin: want.stdin, Stdout: want.stdout, Stderr: want.stderr, Tty: want.tty})
	if err != nil {
		fail(w, "exec", err)
		return
	}
	s.stream(w, r, res.GetUrl(), want)
}

func (s *Server) attach(w http.ResponseWriter, r *http.Request) {
	id, want, ok := s.streamTarget(w, r)
	if !ok {
		return
	}
	res, err := s.cfg.CRI.Attach(r.Context(), &runtimeapi.AttachRequest{ContainerId: id,
		Stdin: want.stdin, Stdout: want.stdout, Stderr: want.stderr, Tty: want.tty})
	if err != nil {
		fail(w, "attach", err)
		return
	}
	s.stream(w, r, res.GetUrl(), want)
}

// streamTarget reads the request and finds the container.
func (s *Server) streamTarget(w http.ResponseWriter, r *http.Request) (string, streams, bool) {
	want, err := streamsOf(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return "", want, false
	}
	pod, ok := s.podOf(w, r)
	if !ok {
		return "", want, false
	}
	id, ok := runningContainer(pod, r.PathValue("container"))
	if !ok {
		http.Error(w, fmt.Sprintf("container not found (%q)", r.PathValue("container")), http.StatusNotFound)
		return "", want, false
	}
	return id, want, true
}

// stream connects the client with the runtime's streaming server.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, location string, want streams) {
	target, err := url.Parse(location)
	if err != nil {
		fail(w, "streaming address", err)
		return
	}
	if wsstream.IsWebSocketRequestWithStreamCloseProtocol(r) {
		// Runtimes do not know this protocol (v5): speak SPDY to them.
		opts := translator.Options{Stdin: want.stdin, Stdout: want.stdout, Stderr: want.stderr, Tty: want.tty}
		translator.NewStreamTranslatorHandler(target, http.DefaultTransport, 0, opts).ServeHTTP(w, r)
		return
	}
	upgrade(target).ServeHTTP(w, r)
}

func upgrade(target *url.URL) http.Handler {
	return proxy.NewUpgradeAwareHandler(target, nil, false, true, responder{})
}

func (s *Server) portForward(w http.ResponseWriter, r *http.Request) {
	pod, ok := s.podOf(w, r)
	if !ok {
		return
	}
	ports, err := forwardPorts(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	sandbox, err := s.sandbox(r, pod)
	if err != nil {
		fail(w, "port forward", err)
		return
	}
	res, err := s.cfg.CRI.PortForward(r.Context(), &runtimeapi.PortForwardRequest{PodSandboxId: sandbox, Port: ports})
	if err != nil {
		fail(w, "port forward", err)
		return
	}
	target, err := url.Parse(res.GetUrl())
	if err != nil {
		fail(w, "streaming address", err)
		return
	}
	handler := upgrade(target)
	if wsstream.IsWebSocketRequestWithTunnelingProtocol(r) {
		handler = translator.NewTunnelingHandler(handler)
	}
	handler.ServeHTTP(w, r)
}

// forwardPorts are named in the query by WebSocket clients only; SPDY names them per stream.
func forwardPorts(r *http.Request) ([]int32, error) {
	if !wsstream.IsWebSocketRequest(r) || wsstream.IsWebSocketRequestWithTunnelingProtocol(r) {
		return nil, nil
	}
	texts := r.URL.Query()["port"]
	if len(texts) == 0 {
		return nil, errors.New(`query parameter "port" is required`)
	}
	var out []int32
	for _, text := range texts {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("invalid port %q", text)
		}
		out = append(out, int32(n))
	}
	return out, nil
}

// sandbox is the pod's ready sandbox, the newest when there are several.
func (s *Server) sandbox(r *http.Request, pod *v1.Pod) (string, error) {
	list, err := s.cfg.CRI.ListPodSandbox(r.Context(), &runtimeapi.PodSandboxFilter{
		State:         &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY},
		LabelSelector: map[string]string{kubelettypes.KubernetesPodUIDLabel: string(pod.UID)}})
	if err != nil {
		return "", fmt.Errorf("finding the pod's sandbox: %w", err)
	}
	var newest *runtimeapi.PodSandbox
	for _, sandbox := range list {
		if newest == nil || sandbox.GetCreatedAt() > newest.GetCreatedAt() {
			newest = sandbox
		}
	}
	if newest == nil {
		return "", fmt.Errorf("pod %q has no running sandbox", pod.Name)
	}
	return newest.GetId(), nil
}

// responder answers when the runtime's streaming server cannot be reached or refuses.
type responder struct{}

func (responder) Error(w http.ResponseWriter, _ *http.Request, err error) { fail(w, "streaming", err) }

func fail(w http.ResponseWriter, what string, err error) {
	code := http.StatusInternalServerError
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Code != 0 {
		code = int(status.Status().Code)
	}
	http.Error(w, fmt.Sprintf("%s: %v", what, err), code)
}
