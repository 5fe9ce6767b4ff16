package apirules_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"tiphys.dev/apirules/batch/job"
	"tiphys.dev/apirules/core/service"
)

// manifest is one valid object of testdata, as JSON.
type manifest struct {
	kind kind
	name string
	data []byte
}

func kindOf(apiVersion, name string) (kind, bool) {
	for _, k := range kinds {
		if k.gvk.GroupVersion().String() == apiVersion && k.gvk.Kind == name {
			return k, true
		}
	}
	return kind{}, false
}

// validManifests reads testdata/valid, and testdata/unstable for the kinds that have only alpha and beta versions.
func validManifests(t testing.TB) []manifest {
	t.Helper()
	files, err := filepath.Glob("testdata/unstable/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	stable, err := filepath.Glob("testdata/valid/*.yaml")
	files = append(files, stable...)
	if err != nil || len(stable) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	var out []manifest
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range bytes.Split(text, []byte("\n---\n")) {
			data, err := yaml.YAMLToJSON(doc)
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			var meta struct {
				metav1.TypeMeta `json:",inline"`
				Metadata        struct{ Name string } `json:"metadata"`
			}
			if err := json.Unmarshal(data, &meta); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			k, ok := kindOf(meta.APIVersion, meta.Kind)
			if !ok {
				t.Fatalf("%s: no rules for %s %s", f, meta.APIVersion, meta.Kind)
			}
			out = append(out, manifest{k, meta.Kind + "/" + meta.Metadata.Name, data})
		}
	}
	return out
}

// decode reads an object and fills in what a server would.
func decode(t testing.TB, k kind, data []byte) any {
	t.Helper()
	obj := k.new()
	if err := json.Unmarshal(data, obj); err != nil {
		t.Fatal(err)
	}
	complete(k, obj)
	return obj
}

func complete(k kind, obj any) {
	k.setDefaults(obj)
	if s, ok := obj.(*corev1.Service); ok {
		service.NormalizeClusterIPs(s, nil)
	}
	if j, ok := obj.(*batchv1.Job); ok {
		j.UID = "11111111-2222-3333-4444-555555555555"
		job.GenerateSelector(j)
	}
}

func TestValidManifests(t *testing.T) {
	for _, m := range validManifests(t) {
		t.Run(m.name, func(t *testing.T) {
			obj := decode(t, m.kind, m.data)
			for _, e := range m.kind.validate(obj) {
				t.Errorf("create: %v", e)
			}
			// An update that changes nothing is valid, once the object has a version.
			stored := obj.(runtime.Object).DeepCopyObject()
			setVersion(stored)
			for _, e := range m.kind.validateUpdate(stored.DeepCopyObject(), stored) {
				t.Errorf("update to the same: %v", e)
			}
			m.kind.setDefaults(obj)
			again := obj.(runtime.Object).DeepCopyObject()
			m.kind.setDefaults(again)
			if !equality.Semantic.DeepEqual(obj, again) {
				t.Errorf("defaults filled in twice differ from once")
			}
		})
	}
}

func setVersion(obj any) {
	meta := obj.(metav1.Object)
	meta.SetResourceVersion("1")
	meta.SetUID("11111111-2222-3333-4444-555555555555")
}

func TestEveryKindHasManifest(t *testing.T) {
	have := map[string]bool{}
	for _, m := range validManifests(t) {
		have[m.kind.gvk.String()] = true
	}
	for _, k := range kinds {
		if !have[k.gvk.String()] && k.gvk.Kind != "CertificateSigningRequest" && k.gvk.Kind != "Event" {
			t.Errorf("testdata/valid has no %s", k.gvk)
		}
	}
}

// The fixtures of k8s.io/api have every field of every kind set, mostly to nonsense: rules must survive it.
func TestFixturesDoNotPanic(t *testing.T) {
	dir := fixtureDir(t)
	for _, k := range kinds {
		group := k.gvk.Group
		if group == "" {
			group = "core"
		}
		data, err := os.ReadFile(filepath.Join(dir, group+"."+k.gvk.Version+"."+k.gvk.Kind+".json"))
		if err != nil {
			t.Errorf("%s: %v", k.gvk, err)
			continue
		}
		t.Run(k.gvk.Kind, func(t *testing.T) {
			obj := decode(t, k, data)
			if len(k.validate(obj)) == 0 {
				t.Logf("nothing refused")
			}
			k.warnings(obj)
			k.validateUpdate(obj, reflect.New(reflect.TypeOf(obj).Elem()).Interface())
			k.validateUpdate(reflect.New(reflect.TypeOf(obj).Elem()).Interface(), obj)
			k.validateStatus(obj, reflect.New(reflect.TypeOf(obj).Elem()).Interface())
			k.validate(k.new())
			k.setDefaults(obj)
			again := obj.(runtime.Object).DeepCopyObject()
			k.setDefaults(again)
			if !equality.Semantic.DeepEqual(obj, again) {
				t.Errorf("defaults filled in twice differ from once")
			}
		})
	}
}
