package oracle

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// TestOpenAPI compares the documents from which clients learn the API: they must be the same to the byte, as their hashes are
// what clients keep them under.
func TestOpenAPI(t *testing.T) {
	upstream, ours := servers(t)
	theirs, mine := document(t, upstream.config, "/openapi/v2"), document(t, ours.config, "/openapi/v2")
	for _, part := range []string{"definitions", "paths", "securityDefinitions", "security"} {
		compareParts(t, "/openapi/v2 "+part, theirs[part], mine[part])
	}
	root := func(c *rest.Config) map[string]any {
		paths, ok := document(t, c, "/openapi/v3")["paths"].(map[string]any)
		if !ok || len(paths) < 20 {
			t.Fatalf("/openapi/v3 lists %d documents", len(paths))
		}
		return paths
	}
	compareParts(t, "/openapi/v3", root(upstream.config), root(ours.config))
}

// compareParts names the members that differ.
func compareParts(t *testing.T, what string, theirs, mine any) {
	t.Helper()
	a, okA := theirs.(map[string]any)
	b, okB := mine.(map[string]any)
	if !okA || !okB {
		if !reflect.DeepEqual(theirs, mine) {
			t.Errorf("%s differs", what)
		}
		return
	}
	keys := slices.Sorted(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		// Other tests define kinds of their own.
		if !reflect.DeepEqual(a[k], b[k]) && !strings.Contains(k, "example.com") {
			t.Errorf("%s: %s differs (upstream %s, ours %s)", what, k, brief(t, a[k]), brief(t, b[k]))
		}
	}
}

// brief is the beginning of a value.
func brief(t *testing.T, v any) string {
	t.Helper()
	if v == nil {
		return "has none"
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data[:min(len(data), 200)])
}

func document(t *testing.T, c *rest.Config, path string) map[string]any {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(c)
	if err != nil {
		t.Fatal(err)
	}
	data, err := client.RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").DoRaw(context.Background())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}
