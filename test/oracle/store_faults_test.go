package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tiphys.dev/tiphys/test/peer"
)

// storeFaults are what a store may answer, and how long it may take.
var storeFaults = []struct {
	name  string
	fault *fault
}{
	{"no leader", &fault{refuse: rpctypes.ErrGRPCNoLeader}},
	{"not leader", &fault{refuse: rpctypes.ErrGRPCNotLeader}},
	{"leader changed", &fault{refuse: rpctypes.ErrGRPCLeaderChanged}},
	{"too many requests", &fault{refuse: rpctypes.ErrGRPCRequestTooManyRequests}},
	{"no space", &fault{refuse: rpctypes.ErrGRPCNoSpace}},
	{"too large", &fault{refuse: rpctypes.ErrGRPCRequestTooLarge}},
	{"timed out", &fault{refuse: rpctypes.ErrGRPCTimeout}},
	{"timed out, leader failed", &fault{refuse: rpctypes.ErrGRPCTimeoutDueToLeaderFail}},
	{"timed out, connection lost", &fault{refuse: rpctypes.ErrGRPCTimeoutDueToConnectionLost}},
	{"stopped", &fault{refuse: rpctypes.ErrGRPCStopped}},
	{"unhealthy", &fault{refuse: rpctypes.ErrGRPCUnhealthy}},
	{"corrupt", &fault{refuse: rpctypes.ErrGRPCCorrupt}},
	{"compacted", &fault{refuse: rpctypes.ErrGRPCCompacted}},
	{"future revision", &fault{refuse: rpctypes.ErrGRPCFutureRev}},
	{"permission denied", &fault{refuse: rpctypes.ErrGRPCPermissionDenied}},
	{"invalid token", &fault{refuse: rpctypes.ErrGRPCInvalidAuthToken}},
	{"canceled", &fault{refuse: status.Error(codes.Canceled, "context canceled")}},
	{"deadline exceeded", &fault{refuse: status.Error(codes.DeadlineExceeded, "context deadline exceeded")}},
	{"internal", &fault{refuse: status.Error(codes.Internal, "odd")}},
	{"unknown", &fault{refuse: status.Error(codes.Unknown, "odd")}},
	{"unimplemented", &fault{refuse: status.Error(codes.Unimplemented, "odd")}},
	{"slow", &fault{delay: 4 * time.Second}},
	{"slow, then no leader", &fault{delay: 500 * time.Millisecond, refuse: rpctypes.ErrGRPCNoLeader}},
	{"leader changed once", &fault{refuse: rpctypes.ErrGRPCLeaderChanged, times: 1}},
	{"no leader once", &fault{refuse: rpctypes.ErrGRPCNoLeader, times: 1}},
}

// storeRequests are asked while something is wrong. All would be answered well otherwise.
var storeRequests = []struct {
	name string
	// method is of the calls that go wrong.
	method string
	request
}{
	{"get", "KV/Range", request{method: "GET", path: mapPath + "/there?timeout=2s"}},
	{"table", "KV/Range", request{method: "GET", path: mapPath + "/there?timeout=2s", accept: "application/json;as=Table;v=v1;g=meta.k8s.io"}},
	{"list of the uncached", "KV/Range", request{method: "GET", path: namespaced + "events?timeout=2s"}},
	{"page", "KV/Range", request{method: "GET", path: namespaced + "events?limit=1&timeout=2s"}},
	{"exact list of the uncached", "KV/Range", request{method: "GET", path: namespaced + "events?resourceVersion=1&resourceVersionMatch=Exact&timeout=2s"}},
	{"create", "KV/Txn", request{method: "POST", path: mapPath + "?timeout=2s", body: fmt.Appendf(nil, mapBody, "new")}},
	{"create with a read", "KV/Range", request{method: "POST", path: mapPath + "?timeout=2s", body: fmt.Appendf(nil, mapBody, "there")}},
	{"put", "KV/Txn", request{method: "PUT", path: mapPath + "/there?timeout=2s", body: []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"there"},"data":{"a":"changed"}}`)}},
	{"patch", "KV/Txn", request{method: "PATCH", path: mapPath + "/there?timeout=2s", contentType: mergePatch, body: []byte(`{"data":{"a":"patched"}}`)}},
	{"patch without a read", "KV/Range", request{method: "PATCH", path: mapPath + "/there?timeout=2s", contentType: mergePatch, body: []byte(`{"data":{"a":"patched twice"}}`)}},
	{"event", "Lease/LeaseGrant", request{method: "POST", path: namespaced + "events?timeout=2s", body: fmt.Appendf(nil, eventBody, "late")}},
	{"delete", "KV/Txn", request{method: "DELETE", path: mapPath + "/doomed?timeout=2s"}},
	{"delete without a read", "KV/Range", request{method: "DELETE", path: mapPath + "/doomed?timeout=2s"}},
	{"delete of all", "KV/Range", request{method: "DELETE", path: namespaced + "events?timeout=2s"}},
	{"delete of all, unwritten", "KV/Txn", request{method: "DELETE", path: namespaced + "podtemplates?timeout=2s"}},
}

// addressText is where a server or its store is.
var addressText = regexp.MustCompile(`127\.0\.0\.1:\d+|audit-id: \S+`)

// said is what an answer says that a client acts on.
func said(a answer, err error) string {
	if err != nil {
		return "broken: " + addressText.ReplaceAllString(err.Error(), "…")
	}
	var s struct {
		Reason, Message string
		Details         struct{ RetryAfterSeconds int }
	}
	if a.code >= 400 {
		_ = json.Unmarshal(a.body, &s)
	}
	return addressText.ReplaceAllString(fmt.Sprintf("%d %s %q retry %d %s", a.code, s.Reason, s.Message, s.Details.RetryAfterSeconds, a.header.Get("Retry-After")), "…")
}

// timely makes one of the ways in which a server says that time is up: it depends on who notices first whether it answers or breaks the
// stream, in both.
func timely(answer string) string {
	if strings.HasPrefix(answer, "504 Timeout ") || strings.HasPrefix(answer, "0 ") {
		return "time is up"
	}
	return answer
}

// prepareStore makes what the requests are about.
func prepareStore(ctx context.Context, s *told) error {
	for _, o := range []request{
		{method: "POST", path: mapPath, body: fmt.Appendf(nil, mapBody, "there")},
		{method: "POST", path: mapPath, body: fmt.Appendf(nil, mapBody, "doomed")},
		{method: "POST", path: namespaced + "events", body: fmt.Appendf(nil, eventBody, "early")},
		{method: "POST", path: namespaced + "podtemplates", body: []byte(`{"apiVersion":"v1","kind":"PodTemplate","metadata":{"name":"kept"},"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}`)},
		// What a patch without a read begins with is in the cache then.
		{method: "GET", path: mapPath},
	} {
		a, err := s.send(ctx, o)
		if err != nil || a.code >= 300 && a.code != http.StatusConflict {
			return fmt.Errorf("%s %s: %s", o.method, o.path, said(a, err))
		}
	}
	return nil
}

// TestStoreFaults lets the store of both servers go wrong in the same way: what clients are told must be the same.
func TestStoreFaults(t *testing.T) {
	both := programs(t)
	var servers []*told
	for _, b := range both {
		// A lease for each event, or most would not ask for one.
		servers = append(servers, startTold(t, b, "--lease-reuse-duration-seconds=0"))
	}
	for _, f := range storeFaults {
		t.Run(f.name, func(t *testing.T) {
			for _, r := range storeRequests {
				answers := make([]string, len(servers))
				var group sync.WaitGroup
				for i, s := range servers {
					if err := prepareStore(t.Context(), s); err != nil {
						t.Fatalf("%s: %v", both[i].name, err)
					}
					wrong := *f.fault
					wrong.method = r.method
					if wrong.times > 0 {
						// The servers' own work is not to use it up.
						wrong.holding = "/default/"
					}
					s.door.set(&wrong)
					group.Go(func() {
						start := time.Now()
						a, err := s.send(t.Context(), r.request)
						answers[i] = timely(said(a, err))
						if took := time.Since(start); took > 3*time.Second && !strings.Contains(r.name, "event") {
							answers[i] += " after more than it was given"
						}
					})
				}
				group.Wait()
				for _, s := range servers {
					s.door.set(nil)
				}
				if answers[0] != answers[1] {
					t.Errorf("%s:\ntheirs %s\nours   %s", r.name, answers[0], answers[1])
				} else {
					t.Logf("%s: %s", r.name, answers[0])
				}
			}
		})
	}
	t.Run("many reads at once", func(t *testing.T) {
		for _, f := range storeFaults {
			if f.fault.times > 0 {
				continue
			}
			var kinds [2]string
			for i, s := range servers {
				wrong := *f.fault
				wrong.method, wrong.holding = "", mapPath[len("/api/v1/namespaces/"):len("/api/v1/namespaces/")+len("default")]
				s.door.set(&wrong)
				all := make([]string, 30)
				var group sync.WaitGroup
				for n := range all {
					group.Go(func() {
						a, err := s.send(t.Context(), request{method: "GET", path: mapPath + "/there?timeout=2s"})
						all[n] = timely(said(a, err))
					})
				}
				group.Wait()
				s.door.set(nil)
				slices.Sort(all)
				kinds[i] = strings.Join(slices.Compact(all), "; ")
			}
			if kinds[0] != kinds[1] {
				t.Errorf("%s:\ntheirs %s\nours   %s", f.name, kinds[0], kinds[1])
			}
		}
	})
	t.Run("alarm of space", func(t *testing.T) {
		for _, r := range storeRequests {
			var answers [2]string
			for i, s := range servers {
				if err := prepareStore(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				alarm(t, s.etcd, "ACTIVATE")
				a, err := s.send(t.Context(), r.request)
				answers[i] = said(a, err)
				alarm(t, s.etcd, "DEACTIVATE")
			}
			if answers[0] != answers[1] {
				t.Errorf("%s:\ntheirs %s\nours   %s", r.name, answers[0], answers[1])
			} else {
				t.Logf("%s: %s", r.name, answers[0])
			}
		}
	})
	t.Run("a large object", func(t *testing.T) {
		var answers [2]string
		for i, s := range servers {
			body := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"large"},"stringData":{"a":%q}}`, strings.Repeat("x", 1000000))
			body = fmt.Appendf(nil, `{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"large"},"revision":1,"data":{"a":%q}}`, strings.Repeat("x", 1700000)+string(body[:0]))
			a, err := s.send(t.Context(), request{method: "POST", path: "/apis/apps/v1/namespaces/default/controllerrevisions", body: body})
			answers[i] = said(a, err)
		}
		if answers[0] != answers[1] {
			t.Errorf("\ntheirs %s\nours   %s", answers[0], answers[1])
		} else {
			t.Log(answers[0])
		}
	})
}

// alarm sets or takes back the alarm that the store is full.
func alarm(t *testing.T, store, action string) {
	t.Helper()
	var out any
	if err := ask(t.Context(), store+"/v3/maintenance/alarm", map[string]string{"action": action, "alarm": "NOSPACE"}, &out); err != nil {
		t.Fatal(err)
	}
}

// TestStoreThatDoesNotAnswer compares how both servers end that cannot reach a store.
func TestStoreThatDoesNotAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("servers are patient with a store")
	}
	both := programs(t)
	for _, row := range []struct{ name, flag string }{
		{"the only one", "--etcd-servers=http://127.0.0.1:1"},
		{"that of events", "--etcd-servers-overrides=/events#http://127.0.0.1:1"},
		{"not speaking TLS", "--etcd-servers=https://{{etcd}}"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			ends := make([]string, len(both))
			took := make([]time.Duration, len(both))
			var group sync.WaitGroup
			for i, b := range both {
				c := peer.Start(t, peer.Config{EtcdOnly: true, UnsafeNoFsync: true})
				start := time.Now()
				p := begin(t, b, c, strings.ReplaceAll(row.flag, "{{etcd}}", strings.TrimPrefix(c.Etcd(), "http://")))
				group.Go(func() {
					ends[i] = p.refusal(90 * time.Second)
					took[i] = time.Since(start)
				})
			}
			group.Wait()
			t.Logf("\ntheirs %v %s\nours   %v %s", took[0], ends[0], took[1], ends[1])
			code := func(s string) string { before, _, _ := strings.Cut(s, ":"); return before }
			if code(ends[0]) != code(ends[1]) || strings.Contains(ends[0], "deadline") != strings.Contains(ends[1], "deadline") {
				t.Error("they end in different ways")
			}
			if took[1] > took[0]+10*time.Second {
				t.Error("ours takes much longer")
			}
		})
	}
}
