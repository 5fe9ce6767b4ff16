package dataswap

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tiphys.dev/tiphys/pkg/api/scheme"
)

// TestEveryFieldIsServedAlike puts the wire fixtures, which have a value in every field and would pass no validation, where each
// resource has its objects, in the version in which upstream stores it, and compares how both servers show them.
func TestEveryFieldIsServedAlike(t *testing.T) {
	places := map[string]string{}
	newData(t).serve(upstream, func(s *server) {
		s.createAll()
		places = prefixes(t, s.raw())
	})
	d := newData(t)
	written, have := 0, map[side]map[string]string{}
	d.serve(upstream, func(s *server) {
		dir := fixtureDir(t)
		for _, kind := range slices.Sorted(maps.Keys(places)) {
			file := filepath.Join(dir, kind+".pb")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Logf("no fixture: %v", err)
				continue
			}
			if _, err := s.store.Put(t.Context(), places[kind], string(data)); err != nil {
				t.Fatal(err)
			}
			written++
		}
		have[upstream] = s.fixtures()
	})
	d.serve(ours, func(s *server) { have[ours] = s.fixtures() })
	if len(have[upstream]) < written {
		t.Errorf("upstream serves %d objects of %d written", len(have[upstream]), written)
	}
	compare(t, "what ours serves", have[upstream], have[ours])
	t.Logf("%d fixtures written", written)
}

// fixtures lists the objects that came from fixtures: all have the one name.
func (s *server) fixtures() map[string]string {
	s.Helper()
	out := map[string]string{}
	for path, object := range s.everything() {
		if strings.HasSuffix(path, "/nameValue") {
			out[path] = object
		}
	}
	return out
}

// prefixes says for every stored kind, in the version it is stored in, where a fixture belongs.
func prefixes(t *testing.T, store map[string][]byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	for key, value := range store {
		if !bytes.HasPrefix(value, protobufPrefix) {
			continue
		}
		var unknown runtime.Unknown
		if err := unknown.Unmarshal(value[len(protobufPrefix):]); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(value, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		m, err := meta.Accessor(obj)
		if err != nil || m.GetName() == "" {
			continue // servers' own notes
		}
		gvk := schema.FromAPIVersionAndKind(unknown.APIVersion, unknown.Kind)
		if gvk.Group == "" {
			gvk.Group = "core"
		}
		kind := fmt.Sprintf("%s.%s.%s", gvk.Group, gvk.Version, gvk.Kind)
		if ns := m.GetNamespace(); ns != "" {
			out[kind] = strings.TrimSuffix(key, ns+"/"+m.GetName()) + "namespaceValue/nameValue"
		} else {
			out[kind] = strings.TrimSuffix(key, m.GetName()) + "nameValue"
		}
	}
	return out
}

func fixtureDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/api").Output()
	if err != nil {
		t.Skipf("the go command cannot tell where k8s.io/api is: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "testdata", "HEAD")
}
