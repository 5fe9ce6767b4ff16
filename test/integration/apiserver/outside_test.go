package apiserver

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/test/harness"
)

// doorman is a token webhook that knows one token.
type doorman struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
}

func newDoorman(t *testing.T) *doorman {
	t.Helper()
	d := &doorman{asked: map[string]int{}}
	d.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review authenticationv1.TokenReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		d.mu.Lock()
		d.asked[review.Spec.Token]++
		d.mu.Unlock()
		if review.Spec.Token == "open-sesame" {
			review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{
				Username: "ali", UID: "40", Groups: []string{"visitors"}, Extra: map[string]authenticationv1.ExtraValue{"cave": {"one"}},
			}}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *doorman) times(token string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[token]
}

// connector is an HTTP proxy on a socket, as egress selectors use it; it knows where it was asked to connect to.
type connector struct {
	socket string
	mu     sync.Mutex
	hosts  []string
}

func newConnector(t *testing.T) *connector {
	t.Helper()
	c := &connector{socket: filepath.Join(t.TempDir(), "egress.sock")}
	listener, err := net.Listen("unix", c.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go c.serve(conn)
		}
	}()
	return c
}

func (c *connector) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	req, err := http.ReadRequest(r)
	if err != nil || req.Method != http.MethodConnect {
		return
	}
	c.mu.Lock()
	c.hosts = append(c.hosts, req.Host)
	c.mu.Unlock()
	onward, err := net.Dial("tcp", req.Host)
	if err != nil {
		return
	}
	defer onward.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(onward, r)
		onward.Close()
	}()
	_, _ = io.Copy(conn, onward)
}

func (c *connector) connected(host string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.hosts {
		if h == host {
			return true
		}
	}
	return false
}

// traces collects the names of spans.
type traces struct {
	collector.UnimplementedTraceServiceServer
	address string
	mu      sync.Mutex
	names   map[string]bool
}

func newTraces(t *testing.T) *traces {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &traces{address: listener.Addr().String(), names: map[string]bool{}}
	s := grpc.NewServer()
	collector.RegisterTraceServiceServer(s, c)
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(s.Stop)
	return c
}

// Export implements the collector's service.
func (c *traces) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range r.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.names[span.GetName()] = true
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func (c *traces) has(part string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.names {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// TestTokenWebhookThroughEgress: a token webhook lets users in, and is reached through the egress that the selector names.
func TestTokenWebhookThroughEgress(t *testing.T) {
	dir := t.TempDir()
	door, way := newDoorman(t), newConnector(t)
	c := harness.Start(t, harness.Config{Change: func(c *apiserver.Config) {
		c.Authentication.Webhook.ConfigFile, c.Authentication.Webhook.Version = kubeconfig(t, door.Server), "v1"
		c.Egress.ConfigFile = write(t, filepath.Join(dir, "egress.yaml"), fmt.Sprintf(`apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: controlplane
  connection: {proxyProtocol: HTTPConnect, transport: {uds: {udsName: %s}}}
`, way.socket))
	}})
	with := func(token string) (*authenticationv1.SelfSubjectReview, error) {
		config := rest.AnonymousClientConfig(c.RESTConfig())
		config.BearerToken = token
		return kubernetes.NewForConfigOrDie(config).AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	}
	for range 3 {
		self, err := with("open-sesame")
		if err != nil {
			t.Fatal(err)
		}
		u := self.Status.UserInfo
		if u.Username != "ali" || u.UID != "40" || len(u.Extra["cave"]) != 1 || !strings.Contains(strings.Join(u.Groups, ","), "visitors") {
			t.Errorf("the webhook's user came in as %v", u)
		}
	}
	if n := door.times("open-sesame"); n != 1 {
		t.Errorf("the webhook was asked %d times about one token, its answer holds for minutes", n)
	}
	if _, err := with("open-barley"); !apierrors.IsUnauthorized(err) {
		t.Errorf("a token that the webhook does not know: %v", err)
	}
	if host := strings.TrimPrefix(door.URL, "https://"); !way.connected(host) {
		t.Errorf("the webhook at %s was not reached through the egress to the control plane", host)
	}
}

// TestTracing: the spans of a request reach the collector that the file names.
func TestTracing(t *testing.T) {
	dir, spans := t.TempDir(), newTraces(t)
	c := harness.Start(t, harness.Config{Change: func(c *apiserver.Config) {
		c.Tracing.ConfigFile = write(t, filepath.Join(dir, "tracing.yaml"), fmt.Sprintf(`apiVersion: apiserver.config.k8s.io/v1
kind: TracingConfiguration
endpoint: %s
samplingRatePerMillion: 1000000
`, spans.address))
	}})
	if _, err := c.Client().CoreV1().ConfigMaps("default").Create(t.Context(), &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "traced"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a span of the request reaches the collector", func() bool { return spans.has("configmaps") || spans.has("Create") })
}
