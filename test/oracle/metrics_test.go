package oracle

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
)

// sometimes are metrics of upstream that a server shows only after something happened that a test does not bring about.
var sometimes = map[string]string{
	"apiserver_storage_consistency_checks_total": "the first check of the watch cache comes after minutes",
	"etcd_bookmark_total":                        "the store's first progress notice comes when it likes",
	"apiserver_init_events_total":                "only where a watch began with many events",
	"apiserver_watch_cache_resource_version":     "only after the first event of a resource",
	"apiserver_terminated_watchers_total":        "only after a slow watcher was ended",
}

// TestMetrics makes sure that dashboards and alerts find upstream's metrics of the API server in ours, with the same types.
func TestMetrics(t *testing.T) {
	upstream, ours := servers(t)
	theirs, err := newServer(upstream)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := newServer(ours)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	// A service makes both count addresses.
	r := &runner{theirs: theirs, ours: mine}
	for _, s := range []step{
		post("", namespaced+"services", `{"apiVersion":"v1","kind":"Service","metadata":{"name":"counted"},"spec":{"type":"NodePort","ports":[{"port":80}]}}`),
		get("", namespaced+"services/counted"), drop("", namespaced+"services/counted"),
	} {
		req, err := s.request(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.put(ctx, req); err != nil {
			t.Fatal(err)
		}
	}
	want, got := metricTypes(ctx, t, theirs), metricTypes(ctx, t, mine)
	if len(want) < 200 {
		t.Fatalf("upstream shows %d metrics", len(want))
	}
	for _, name := range sortedKeys(want) {
		switch {
		case sometimes[name] != "":
		case got[name] == "":
			t.Errorf("%s is not there", name)
		case got[name] != want[name]:
			t.Errorf("%s is a %s, upstream's a %s", name, got[name], want[name])
		}
	}
	t.Logf("upstream shows %d metrics, ours %d", len(want), len(got))
}

// metricTypes reads /metrics: name → type.
func metricTypes(ctx context.Context, t *testing.T, s *server) map[string]string {
	t.Helper()
	a, err := s.send(ctx, request{method: http.MethodGet, path: "/metrics", accept: "text/plain"})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(a.body))
	lines.Buffer(nil, len(a.body)+1)
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 4 && f[0] == "#" && f[1] == "TYPE" {
			out[f[2]] = f[3]
		}
	}
	return out
}
