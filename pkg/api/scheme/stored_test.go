package scheme

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The fixtures have a value in every field: none may be lost on the way to the hub and back.
func TestStoredVersionsKeepEveryField(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/api").Output()
	if err != nil {
		t.Skipf("the go command cannot tell where k8s.io/api is: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "testdata", "HEAD")
	for _, v := range storedVersions {
		for _, kind := range v.kinds {
			t.Run(v.version.String()+" "+kind, func(t *testing.T) {
				data, err := os.ReadFile(filepath.Join(dir, v.version.Group+"."+v.version.Version+"."+kind+".pb"))
				if err != nil {
					t.Fatal(err)
				}
				// Decoding without a target neither converts nor fills in.
				raw, _, err := Codecs.UniversalDeserializer().Decode(data, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				hub := schema.GroupVersion{Group: v.version.Group, Version: runtime.APIVersionInternal}
				stored, err := runtime.Decode(Codecs.DecoderToVersion(Codecs.UniversalDeserializer(), hub), data)
				if err != nil {
					t.Fatal(err)
				}
				if gvks, _, err := Scheme.ObjectKinds(stored); err != nil || gvks[0].Version != "v1" && gvks[0].Version != runtime.APIVersionInternal {
					t.Fatalf("decoded as %v (%v)", gvks, err)
				}
				back, err := Scheme.ConvertToVersion(stored, v.version)
				if err != nil {
					t.Fatal(err)
				}
				if !equality.Semantic.DeepEqual(back, raw) {
					t.Errorf("there and back:\n%+v\nwas\n%+v", back, raw)
				}
			})
		}
	}
}
