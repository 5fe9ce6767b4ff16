package apirules_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"tiphys.dev/apirules"
)

// The fuzz tests read anything as the kind it says it is, in each form in which objects come: `go test -fuzz=FuzzJSON .` looks for new
// inputs; `go test` runs the seeds and what was found before, which is in testdata/fuzz.

func FuzzJSON(f *testing.F) {
	for _, m := range validManifests(f) {
		f.Add(m.data)
	}
	for _, data := range fixtures(f, ".json") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { tryJSON(t, data) })
}

func FuzzYAML(f *testing.F) {
	files, err := filepath.Glob("testdata/valid/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, doc := range bytes.Split(text, []byte("\n---\n")) {
			f.Add(doc)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		converted, err := yaml.YAMLToJSON(data)
		if err != nil {
			t.Skip()
		}
		tryJSON(t, converted)
	})
}

// protobufPrefix begins what is stored and sent as protobuf.
var protobufPrefix = []byte("k8s\x00")

func FuzzProtobuf(f *testing.F) {
	for _, data := range fixtures(f, ".pb") {
		f.Add(data)
	}
	for _, m := range validManifests(f) {
		obj := decode(f, m.kind, m.data).(apirules.Object)
		raw, err := obj.(protobuf).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		version, kind := m.kind.ToAPIVersionAndKind()
		whole := runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: version, Kind: kind}, Raw: raw}
		data, err := whole.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append(bytes.Clone(protobufPrefix), data...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var whole runtime.Unknown
		if !bytes.HasPrefix(data, protobufPrefix) || whole.Unmarshal(data[len(protobufPrefix):]) != nil {
			t.Skip()
		}
		k, ok := apirules.Lookup(schema.FromAPIVersionAndKind(whole.APIVersion, whole.Kind))
		if !ok {
			t.Skip()
		}
		obj := k.New()
		if obj.(protobuf).Unmarshal(whole.Raw) != nil {
			t.Skip()
		}
		try(t, k, obj)
	})
}

type protobuf interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

func tryJSON(t *testing.T, data []byte) {
	var meta metav1.TypeMeta
	if json.Unmarshal(data, &meta) != nil {
		t.Skip()
	}
	k, ok := apirules.Lookup(meta.GroupVersionKind())
	if !ok {
		t.Skip()
	}
	obj := k.New()
	if json.Unmarshal(data, obj) != nil {
		t.Skip()
	}
	try(t, k, obj)
}

// try leads an object through the rules as a server does: they never panic, defaults filled in twice are those filled in once, and
// what is valid stays valid when nothing changes and when it was written and read again in either form.
func try(t *testing.T, k *apirules.Kind, obj apirules.Object) {
	k.SetDefaults(obj)
	again := clone(obj)
	k.SetDefaults(again)
	if !equality.Semantic.DeepEqual(obj, again) {
		t.Errorf("%s: defaults filled in twice differ from once", k.GroupVersionKind)
	}
	k.ValidateStatusUpdate(obj, clone(obj))
	k.ValidateUpdate(obj, k.New())
	k.PrepareForCreate(obj)
	valid := len(k.ValidateCreate(obj)) == 0
	k.Warnings(obj)
	k.ValidateUpdate(k.New(), obj)
	k.UpdateWarnings(obj, again)
	if !valid || k.Review {
		return
	}
	for form, read := range map[string]func(apirules.Object) (apirules.Object, error){
		"JSON": func(o apirules.Object) (apirules.Object, error) {
			data, err := json.Marshal(o)
			if err != nil {
				return nil, err
			}
			out := k.New()
			return out, json.Unmarshal(data, out)
		},
		"protobuf": func(o apirules.Object) (apirules.Object, error) {
			data, err := o.(protobuf).Marshal()
			if err != nil {
				return nil, err
			}
			out := k.New()
			return out, out.(protobuf).Unmarshal(data)
		},
	} {
		back, err := read(obj)
		if err != nil {
			t.Errorf("%s: valid, but not readable after it was written as %s: %v", k.GroupVersionKind, form, err)
			continue
		}
		k.SetDefaults(back)
		if errs := k.ValidateCreate(back); len(errs) > 0 {
			t.Errorf("%s: valid, but not after it was written and read as %s: %v", k.GroupVersionKind, form, errs)
		}
	}
	obj.SetResourceVersion("1")
	if errs := k.ValidateUpdate(clone(obj), obj); len(errs) > 0 {
		t.Errorf("%s: valid, but not after an update that changes nothing: %v", k.GroupVersionKind, errs)
	}
}

func clone(o apirules.Object) apirules.Object { return o.DeepCopyObject().(apirules.Object) }

// fixtures reads the wire fixtures of all kinds that have rules, in one form.
func fixtures(t testing.TB, extension string) [][]byte {
	t.Helper()
	dir := fixtureDir(t)
	var out [][]byte
	for _, k := range apirules.Kinds() {
		group := k.Group
		if group == "" {
			group = "core"
		}
		data, err := os.ReadFile(filepath.Join(dir, group+"."+k.Version+"."+k.Kind+extension))
		if err != nil {
			continue // events are kept under another group's name than they are served
		}
		out = append(out, data)
	}
	if len(out) < 50 {
		t.Errorf("%d fixtures in %s", len(out), dir)
	}
	return out
}

// TestMutationsDoNotPanic runs the mutations that the comparison with upstream uses through all rules.
func TestMutationsDoNotPanic(t *testing.T) {
	for _, m := range validManifests(t) {
		var value any
		if err := json.Unmarshal(m.data, &value); err != nil {
			t.Fatal(err)
		}
		old := decode(t, m.kind, m.data)
		n := 0
		for name, data := range mutations(value) {
			// Each look at an admission policy builds a CEL environment, which takes long.
			if n++; strings.HasSuffix(m.kind.gvk.Kind, "AdmissionPolicy") && n%40 != 0 {
				continue
			}
			obj := m.kind.new()
			if json.Unmarshal(data, obj) != nil {
				continue
			}
			complete(m.kind, obj)
			valid := len(m.kind.validate(obj)) == 0
			m.kind.warnings(obj)
			m.kind.validateUpdate(obj, old)
			m.kind.validateUpdate(old, obj)
			m.kind.validateStatus(obj, old)
			setVersion(obj)
			if errs := m.kind.validateUpdate(obj.(runtime.Object).DeepCopyObject(), obj); valid && len(errs) > 0 {
				t.Errorf("%s %s: valid, but not after an update that changes nothing: %v", m.name, name, errs)
			}
		}
	}
}
