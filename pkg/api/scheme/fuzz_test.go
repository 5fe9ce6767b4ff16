package scheme

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
)

// FuzzDecode gives anything to the decoders of the server, which find out by themselves whether it is JSON, YAML or protobuf: none panics;
// what could be read can be converted to the type in memory and back; defaults filled in twice are those filled in once; and
// what is written as JSON, CBOR or protobuf is read as it was. The seeds are the wire fixtures of k8s.io/api in all three forms.
func FuzzDecode(f *testing.F) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/api").Output()
	if err != nil {
		f.Skipf("the go command cannot tell where k8s.io/api is: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "testdata", "HEAD", "*"))
	if err != nil || len(files) < 500 {
		f.Fatalf("%d fixtures, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		obj, kind, err := Codecs.UniversalDeserializer().Decode(data, nil, nil)
		if err != nil {
			return
		}
		// The forms differ in what they can say of text that is no UTF-8, so the first written form is what the others must keep.
		obj = through(t, obj, json.NewSerializerWithOptions(json.DefaultMetaFactory, Scheme, Scheme, json.SerializerOptions{}))
		for _, serializer := range []runtime.Serializer{
			json.NewSerializerWithOptions(json.DefaultMetaFactory, Scheme, Scheme, json.SerializerOptions{Yaml: true}),
			protobuf.NewSerializer(Scheme, Scheme), cbor.NewSerializer(Scheme, Scheme),
		} {
			if _, ok := obj.(interface{ Marshal() ([]byte, error) }); !ok && serializer.Identifier() == "protobuf" {
				continue
			}
			if back := through(t, obj, serializer); !equality.Semantic.DeepEqual(back, obj) {
				t.Errorf("%v through %s:\n%+v\nwas\n%+v", kind, serializer.Identifier(), back, obj)
			}
		}
		Scheme.Default(obj)
		again := obj.DeepCopyObject()
		Scheme.Default(again)
		if !equality.Semantic.DeepEqual(obj, again) {
			t.Errorf("%v: defaults filled in twice differ from once", kind)
		}
		hub := kind.GroupKind().WithVersion(runtime.APIVersionInternal).GroupVersion()
		if !Scheme.Recognizes(hub.WithKind(kind.Kind)) {
			return
		}
		inMemory, err := Scheme.ConvertToVersion(obj.DeepCopyObject(), hub)
		if err != nil {
			t.Errorf("%v to the type in memory: %v", kind, err)
			return
		}
		if _, err := Scheme.ConvertToVersion(inMemory, kind.GroupVersion()); err != nil {
			t.Errorf("%v from the type in memory: %v", kind, err)
		}
	})
}

// through writes and reads an object.
func through(t *testing.T, obj runtime.Object, s runtime.Serializer) runtime.Object {
	t.Helper()
	var data bytes.Buffer
	if err := s.Encode(obj, &data); err != nil {
		t.Fatalf("%T as %s: %v", obj, s.Identifier(), err)
	}
	back, _, err := s.Decode(data.Bytes(), nil, nil)
	if err != nil {
		t.Fatalf("%T from %s: %v", obj, s.Identifier(), err)
	}
	return back
}
