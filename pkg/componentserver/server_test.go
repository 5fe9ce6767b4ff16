package componentserver

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/component-base/metrics"
)

func TestPaths(t *testing.T) {
	registry := metrics.NewKubeRegistry()
	counter := metrics.NewCounter(&metrics.CounterOpts{Name: "own_total", Help: "h"})
	registry.MustRegister(counter)
	counter.Inc()
	bad := healthz.NamedCheck("cache", func(*http.Request) error { return errors.New("not synced") })
	s, err := New(Config{
		Name: "test", Metrics: []metrics.KubeRegistry{registry}, ProcessMetrics: true, Profiling: true,
		Configz: map[string]any{"test.config": map[string]int{"a": 1}},
		Ready:   []healthz.HealthChecker{bad},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		code int
		has  string
	}{
		{"/healthz", 200, "ok"},
		{"/livez?verbose", 200, "[+]ping ok"},
		{"/readyz", 500, "[-]cache failed"},
		{"/readyz?exclude=cache", 200, "ok"},
		{"/readyz/ping", 200, "ok"},
		{"/metrics", 200, "own_total 1"},
		{"/metrics", 200, "process_cpu_seconds_total"},
		{"/metrics", 200, "kubernetes_build_info"},
		{"/configz", 200, `{"test.config":{"a":1}}`},
		{"/debug/pprof/goroutine?debug=1", 200, "goroutine profile"},
		{"/nothing", 404, ""},
	} {
		t.Run(c.path+" "+c.has, func(t *testing.T) {
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, httptest.NewRequest("GET", c.path, nil))
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.has) {
				t.Errorf("got %d %q, want %d containing %q", w.Code, w.Body.String(), c.code, c.has)
			}
		})
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Without a kubeconfig nobody can be authorized beyond the always-allowed paths.
func TestHTTPSGuard(t *testing.T) {
	serving, plain := listen(t), listen(t)
	o := options.NewSecureServingOptions()
	o.Listener, o.ServerCert.CertDirectory = serving, ""
	authn, authz := options.NewDelegatingAuthenticationOptions(), options.NewDelegatingAuthorizationOptions()
	authn.RemoteKubeConfigFileOptional, authz.RemoteKubeConfigFileOptional = true, true
	authz.WithAlwaysAllowPaths("/healthz", "/readyz", "/livez")
	s, err := New(Config{Name: "test", Serving: o, Authentication: authn, Authorization: authz, Insecure: plain})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for url, want := range map[string]int{
		"https://" + serving.Addr().String() + "/healthz": 200,
		"https://" + serving.Addr().String() + "/metrics": 403,
		"http://" + plain.Addr().String() + "/metrics":    200,
	} {
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: got %d %s, want %d", url, resp.StatusCode, body, want)
		}
	}
	client.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}
