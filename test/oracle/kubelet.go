package oracle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// kubelet is one kubelet for the nodes of both API servers: how it behaves follows from the container that is asked for.
type kubelet struct {
	*httptest.Server
	host, port string
}

func newKubelet() *kubelet {
	k := &kubelet{}
	k.Server = httptest.NewUnstartedServer(http.HandlerFunc(k.serve))
	// API servers do not forward to loopback addresses.
	if l, err := net.Listen("tcp", net.JoinHostPort(ownAddress(), "0")); err == nil {
		_ = k.Listener.Close()
		k.Listener = l
	}
	k.StartTLS()
	k.host, k.port, _ = net.SplitHostPort(k.Listener.Addr().String())
	return k
}

// ownAddress is an address of this machine that is not loopback, if there is one.
func ownAddress() string {
	list, _ := net.InterfaceAddrs()
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

func (k *kubelet) given() notes { return notes{"kubeletHost": k.host, "kubeletPort": k.port} }

// streamCreation bounds the wait for streams that a client announced; clients of the stories announce and say nothing.
const streamCreation = 300 * time.Millisecond

func (k *kubelet) serve(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	verb, container := parts[0], parts[len(parts)-1]
	switch container {
	case "missing":
		http.Error(w, "container not found (\"missing\")", http.StatusNotFound)
		return
	case "forbidden":
		http.Error(w, "Forbidden (user=x, verb=create, resource=nodes, subresource(s)=[proxy])", http.StatusForbidden)
		return
	case "broken":
		http.Error(w, "something is wrong", http.StatusInternalServerError)
		return
	case "bad":
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	case "status":
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"in conflict","reason":"Conflict","code":409}`)
		return
	case "redirect":
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
		return
	case "cut":
		panic(http.ErrAbortHandler)
	case "busy":
		w.Header().Set("Retry-After", "7")
		http.Error(w, "busy", http.StatusTooManyRequests)
		return
	}
	switch {
	case verb == "exec" && container != "plain":
		options, err := remotecommand.NewOptions(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		remotecommand.ServeExec(w, r, k, "", "", container, r.URL.Query()["command"], options, time.Minute, streamCreation, remotecommand.SupportedStreamingProtocols)
	case verb == "attach" && container != "plain":
		options, err := remotecommand.NewOptions(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		remotecommand.ServeAttach(w, r, k, "", "", container, options, time.Minute, streamCreation, remotecommand.SupportedStreamingProtocols)
	case verb == "portForward":
		options, err := portforward.NewV4Options(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		portforward.ServePortForward(w, r, k, "", "", options, streamCreation, streamCreation, portforward.SupportedProtocols)
	default:
		tell(w, r)
	}
}

// tell answers with what was asked for.
func tell(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s?%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery, body)
	for _, name := range sortedKeys(r.Header) {
		if value := strings.Join(r.Header[name], ", "); !strings.Contains(name, "Traceparent") && !strings.HasSuffix(name, "Host") {
			fmt.Fprintf(w, "%s: %s\n", name, text("", "", value))
		}
	}
}

// ExecInContainer implements remotecommand.Executor.
func (k *kubelet) ExecInContainer(_ context.Context, _, _, container string, command []string, _ io.Reader, out, _ io.WriteCloser, tty bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if out != nil {
		fmt.Fprintf(out, "%s runs %q, terminal: %v\n", container, command, tty)
	}
	switch container {
	case "exit":
		return utilexec.CodeExitError{Err: errors.New("exit status 3"), Code: 3}
	case "failing":
		return errors.New("the runtime does not answer")
	}
	return nil
}

// AttachContainer implements remotecommand.Attacher.
func (k *kubelet) AttachContainer(_ context.Context, _, _, container string, _ io.Reader, out, _ io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize) error {
	if out != nil {
		fmt.Fprintf(out, "joined %s\n", container)
	}
	return nil
}

// PortForward implements portforward.PortForwarder.
func (k *kubelet) PortForward(_ context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	_, err := fmt.Fprintf(stream, "port %d\n", port)
	return err
}
