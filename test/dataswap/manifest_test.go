package dataswap

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// manifestFiles hold at least one valid object of every resource: those of the rules, the oracle's for kinds without rules, and custom
// resources.
var manifestFiles = []string{
	"../../staging/src/tiphys.dev/apirules/testdata/valid/*.yaml", "../oracle/testdata/manifests/*.yaml", "testdata/custom.yaml",
}

func manifests(t *testing.T, more ...string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, pattern := range slices.Concat(manifestFiles, more) {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no manifests (%v)", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, doc := range bytes.Split(text, []byte("\n---\n")) {
				var value map[string]any
				if err := yaml.Unmarshal(doc, &value); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				out = append(out, harmless(value))
			}
		}
	}
	// Definitions before what they define, and last what could hinder the others.
	slices.SortStableFunc(out, func(a, b map[string]any) int { return rank(a) - rank(b) })
	return out
}

func rank(value map[string]any) int {
	group, _, _ := strings.Cut(value["apiVersion"].(string), "/")
	switch group {
	case "apiextensions.k8s.io":
		return -1
	case "admissionregistration.k8s.io":
		return 1
	}
	return 0
}

// harmless keeps an object from refusing others: webhooks nobody answers are asked about nothing, and limits of a namespace stand
// in one of their own.
func harmless(value map[string]any) map[string]any {
	if hooks, ok := value["webhooks"].([]any); ok {
		for _, h := range hooks {
			h.(map[string]any)["objectSelector"] = map[string]any{"matchLabels": map[string]any{"no": "object"}}
		}
	}
	if kind := value["kind"]; kind == "LimitRange" || kind == "ResourceQuota" {
		value["metadata"].(map[string]any)["namespace"] = limited
	}
	return value
}

// limited is the namespace of quotas and limits.
const limited = "limited"

// createAll makes every manifest and reports how many are stored.
func (s *server) createAll() int {
	s.Helper()
	if err := s.create("/api/v1/namespaces", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": limited}}); err != nil {
		s.Fatal(err)
	}
	known, made := map[string]resource{}, 0
	for _, m := range manifests(s.T, s.more...) {
		kind := m["apiVersion"].(string) + " " + m["kind"].(string)
		s.await(kind, func() bool {
			if _, ok := known[kind]; !ok {
				for _, r := range s.resources() {
					known[r.groupVersion+" "+r.kind] = r
				}
			}
			_, ok := known[kind]
			return ok || strings.HasSuffix(kind, "Review")
		})
		r, ok := known[kind]
		if !ok {
			continue // answered, not stored
		}
		namespace, _ := m["metadata"].(map[string]any)["namespace"].(string)
		if err := s.create(r.collection(namespace), m); err != nil {
			s.Errorf("%s: %v", kind, err)
			continue
		}
		made++
	}
	return made
}
