package healthcheck

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

func TestProxyHealth(t *testing.T) {
	clk := testclock.NewFakePassiveClock(time.Unix(1000, 0).UTC())
	counted := map[string]int{}
	p := NewProxy(clk, time.Minute, []services.Family{services.IPv4, services.IPv6}, func(path string, code int) { counted[fmt.Sprint(path, code)]++ })
	mux := http.NewServeMux()
	p.Install(mux)
	expect := func(when string, healthz, livez int) string {
		t.Helper()
		body := ""
		for path, want := range map[string]int{"/livez": livez, "/healthz": healthz} {
			rec := httptest.NewRecorder()
			mux.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
			if rec.Code != want {
				t.Errorf("%s: %s %d, want %d", when, path, rec.Code, want)
			}
			if path == "/healthz" {
				body = rec.Body.String()
			}
		}
		return body
	}
	expect("before the first pass", 503, 503)
	p.Updated(services.IPv4, clk.Now())
	expect("one family is missing", 503, 503)
	p.Updated(services.IPv6, clk.Now())
	got := expect("after the first pass", 200, 200)
	want := `{"lastUpdated":"1970-01-01T00:16:40Z","currentTime":"1970-01-01T00:16:40Z","nodeEligible":true,"healthy":true,` +
		`"status":{"IPv4":{"lastUpdated":"1970-01-01T00:16:40Z","healthy":true},"IPv6":{"lastUpdated":"1970-01-01T00:16:40Z","healthy":true}}}`
	if got != want {
		t.Errorf("answer\n%s, want\n%s", got, want)
	}
	clk.SetTime(clk.Now().Add(time.Hour))
	expect("nothing to do for an hour", 200, 200)
	p.Queued(services.IPv4)
	clk.SetTime(clk.Now().Add(59 * time.Second))
	p.Queued(services.IPv4)
	expect("a change waits", 200, 200)
	clk.SetTime(clk.Now().Add(2 * time.Second))
	expect("a change waits too long", 503, 503)
	p.Updated(services.IPv4, clk.Now())
	expect("it is done", 200, 200)
	p.SetEligible(false)
	if body := expect("the node goes", 503, 200); !strings.Contains(body, `"nodeEligible":false,"healthy":true`) {
		t.Errorf("answer %s", body)
	}
	if counted["/healthz503"] == 0 || counted["/livez200"] == 0 {
		t.Errorf("answers are not counted: %v", counted)
	}
}

func TestServiceHealth(t *testing.T) {
	addresses := map[string]string{} // asked -> real
	listen := func(ctx context.Context, address string) (net.Listener, error) {
		if strings.HasSuffix(address, ":666") {
			return nil, fmt.Errorf("in use")
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			addresses[address] = l.Addr().String()
		}
		return l, err
	}
	healthy := true
	s := NewServices(listen, func() []string { return []string{"127.0.0.1"} }, func() bool { return healthy })
	defer s.Close()
	name := types.NamespacedName{Namespace: "ns", Name: "svc"}
	get := func() (int, string, string) {
		t.Helper()
		resp, err := http.Get("http://" + addresses["127.0.0.1:32000"])
		if err != nil {
			return 0, "", ""
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.Header.Get("X-Load-Balancing-Endpoint-Weight"), string(b)
	}
	set := func(n int) {
		t.Helper()
		if err := s.Set(context.Background(), map[types.NamespacedName]Port{name: {32000, n}}); err != nil {
			t.Fatal(err)
		}
	}
	set(2)
	code, weight, body := get()
	want := "{\n\t\"service\": {\n\t\t\"namespace\": \"ns\",\n\t\t\"name\": \"svc\"\n\t},\n\t\"localEndpoints\": 2,\n\t\"serviceProxyHealthy\": true\n}"
	if code != 200 || weight != "2" || body != want {
		t.Errorf("two endpoints: %d %q %s", code, weight, body)
	}
	set(0)
	if code, weight, _ := get(); code != 503 || weight != "0" {
		t.Errorf("no endpoint: %d %q", code, weight)
	}
	set(1)
	healthy = false
	if code, _, _ := get(); code != 503 {
		t.Errorf("unhealthy proxy: %d", code)
	}
	if err := s.Set(context.Background(), map[types.NamespacedName]Port{name: {666, 1}}); err == nil {
		t.Error("a port in use is not reported")
	}
	if code, _, _ := get(); code != 0 {
		t.Errorf("the old port still answers %d", code)
	}
}
