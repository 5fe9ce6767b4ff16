package oracle

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
)

// tracedRequests are those whose spans are compared.
var tracedRequests = []request{
	{method: "POST", path: mapPath, body: fmt.Appendf(nil, mapBody, "traced")},
	{method: "GET", path: mapPath + "/traced"},
	{method: "GET", path: mapPath + "/none"},
	{method: "GET", path: mapPath + "?limit=500"},
	{method: "GET", path: mapPath + "?resourceVersion=0"},
	{method: "GET", path: namespaced + "events"},
	{method: "GET", path: mapPath, accept: "application/json;as=Table;v=v1;g=meta.k8s.io"},
	{method: "PUT", path: mapPath + "/traced", body: []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"traced"},"data":{"a":"changed"}}`)},
	{method: "PATCH", path: mapPath + "/traced", contentType: mergePatch, body: []byte(`{"data":{"a":"patched"}}`)},
	{method: "PATCH", path: mapPath + "/traced?fieldManager=m", contentType: applyPatch, body: []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"traced"},"data":{"b":"c"}}`)},
	{method: "DELETE", path: mapPath + "/traced"},
	{method: "DELETE", path: mapPath + "?fieldSelector=metadata.name%3Dnone"},
	{method: "GET", path: mapPath, user: "mallory"},
	{method: "GET", path: "/version"},
	{method: "GET", path: "/healthz"},
	{method: "GET", path: "/apis"},
	{method: "GET", path: "/openapi/v2"},
	{method: "GET", path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"},
	{method: "GET", path: "/apis/apiregistration.k8s.io/v1/apiservices/v1.apps"},
	{method: "GET", path: mapPath + "?watch=true&timeoutSeconds=1"},
	{method: "POST", path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body: []byte(`{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"nonResourceAttributes":{"path":"/","verb":"get"}}}`)},
}

// spanTree writes spans under each other, with what they say of themselves.
func spanTree(spans []*trace.Span) string {
	children := map[string][]*trace.Span{}
	known := map[string]bool{}
	for _, s := range spans {
		known[string(s.SpanId)] = true
	}
	for _, s := range spans {
		parent := string(s.ParentSpanId)
		if !known[parent] {
			parent = ""
		}
		children[parent] = append(children[parent], s)
	}
	var out []string
	var write func(parent, indent string)
	write = func(parent, indent string) {
		list := children[parent]
		sort.SliceStable(list, func(i, j int) bool { return list[i].StartTimeUnixNano < list[j].StartTimeUnixNano })
		for _, s := range list {
			keys := map[string]bool{}
			for _, a := range s.Attributes {
				keys[a.Key] = true
			}
			var events []string
			for _, e := range s.Events {
				if s.Name != "Get" || !strings.HasPrefix(e.Name, "watchCache ") {
					events = append(events, e.Name)
				}
			}
			// The present state of one object is answered from the cache here, once the store has said that it is that: upstream asks the store
			// for the object, by way of the cache. Both ask it once.
			if s.Name == "cacher.Get" {
				write(string(s.SpanId), indent)
				continue
			}
			out = append(out, fmt.Sprintf("%s%s %s %v %v", indent, s.Name, strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_"), sortedKeys(keys), events))
			write(string(s.SpanId), indent+"  ")
		}
	}
	write("", "")
	// Equal lists are answered together here, for which the cache is asked how fresh it is before it is asked for the list.
	for i := 1; i < len(out); i++ {
		if list := "cacher.GetList"; strings.Contains(out[i], list) && strings.Contains(out[i-1], list) {
			out = slices.Delete(out, i-1, i)
			i--
		}
	}
	return strings.Join(out, "\n")
}

// TestTracing compares the spans that both servers send to a collector, request by request.
func TestTracing(t *testing.T) {
	both := programs(t)
	shown := map[string][]string{}
	for _, b := range both {
		c := newCollector(t)
		file := filepath.Join(t.TempDir(), "tracing.yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, "apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\nendpoint: %q\nsamplingRatePerMillion: 1000000\n", c.address()), 0o600); err != nil {
			t.Fatal(err)
		}
		s := startTold(t, b, "--tracing-config-file="+file)
		for i, r := range tracedRequests {
			agent := fmt.Sprintf("traced-%d", i)
			r.headers = map[string]string{"User-Agent": agent}
			if _, err := s.send(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			last := 0
			if err := s.until(t.Context(), 20*time.Second, func() (bool, error) {
				n := len(c.of(agent))
				settled := n > 0 && n == last
				last = n
				if n > 0 && !settled {
					time.Sleep(time.Second) // spans are sent in batches
				}
				return settled, nil
			}); nilIfVain(err) != nil {
				t.Fatal(err)
			}
			shown[b.name] = append(shown[b.name], spanTree(c.of(agent)))
		}
		c.mu.Lock()
		shown[b.name] = append(shown[b.name], "resource "+strings.Join(sortedKeys(c.resources), " "))
		c.mu.Unlock()
		shown[b.name] = append(shown[b.name], incoming(t, s, c))
	}
	names := make([]string, 0, len(tracedRequests)+2)
	for _, r := range tracedRequests {
		names = append(names, r.method+" "+r.path+" "+r.user)
	}
	names = append(names, "resource", "a trace that begins with the client")
	for i, name := range names {
		theirs, ours := shown["theirs"][i], shown["ours"][i]
		if theirs == "" {
			t.Errorf("%s: upstream sends no span", name)
		}
		if theirs != ours {
			t.Errorf("%s:\ntheirs\n%s\nours\n%s", name, theirs, ours)
		} else {
			t.Logf("%s\n%s", name, ours)
		}
	}
}

// incoming tells what becomes of a trace that a client began: of an administrator, and of somebody else.
func incoming(t *testing.T, s *told, c *collector) string {
	var out []string
	for i, door := range []string{"", "anonymous"} {
		id := fmt.Sprintf("%032x", 0xabcdef0+i)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if door == "" {
			_, _ = s.send(ctx, request{method: http.MethodGet, path: "/version", headers: map[string]string{"Traceparent": "00-" + id + "-00f067aa0ba902b7-01", "User-Agent": "incoming"}})
		} else {
			client := http.Client{Transport: &http.Transport{TLSClientConfig: insecureClient()}}
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.host+"/version", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Traceparent", "00-"+id+"-00f067aa0ba902b7-01")
			if resp, err := client.Do(req); err == nil {
				resp.Body.Close()
			}
		}
		cancel()
		time.Sleep(6 * time.Second) // as long as a batch takes
		c.mu.Lock()
		taken, linked := false, false
		for _, span := range c.spans {
			taken = taken || fmt.Sprintf("%x", span.TraceId) == id
			linked = linked || slices.ContainsFunc(span.Links, func(l *trace.Span_Link) bool { return fmt.Sprintf("%x", l.TraceId) == id })
		}
		c.mu.Unlock()
		out = append(out, fmt.Sprintf("%q taken %v linked %v", door, taken, linked))
	}
	return strings.Join(out, "\n")
}
