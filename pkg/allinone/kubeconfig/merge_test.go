package kubeconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

const foreign = `apiVersion: v1
kind: Config
current-context: work
clusters:
- name: work
  cluster: {server: "https://work.example"}
contexts:
- name: work
  context: {cluster: work, user: me, namespace: team}
users:
- name: me
  user: {token: secret}
`

// setUp gives a component file and a kubeconfig of a person, both in a temporary folder.
func setUp(t *testing.T, content string) (component, personal string) {
	t.Helper()
	dir := t.TempDir()
	id := Identity{Server: "https://10.0.0.1:6443"}
	for _, f := range []struct {
		path *string
		data string
	}{{&id.CAFile, "ca"}, {&id.CertFile, "crt"}, {&id.KeyFile, "key"}} {
		*f.path = filepath.Join(dir, f.data)
		if err := os.WriteFile(*f.path, []byte(f.data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	component = filepath.Join(dir, "admin.kubeconfig")
	if err := Write(component, "admin", id); err != nil {
		t.Fatal(err)
	}
	personal = filepath.Join(dir, "home", "config")
	if content != "" {
		if err := os.MkdirAll(filepath.Dir(personal), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(personal, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KUBECONFIG", personal)
	return component, personal
}

func TestMergeAndRemoveLeaveOthersAlone(t *testing.T) {
	component, personal := setUp(t, foreign)
	previous, err := Merge(component, "tiphys")
	if err != nil {
		t.Fatal(err)
	}
	if previous != "work" {
		t.Errorf("previous context %q, want work", previous)
	}
	merged, err := clientcmd.LoadFromFile(personal)
	if err != nil {
		t.Fatal(err)
	}
	if merged.CurrentContext != "tiphys" || merged.Clusters["tiphys"].Server != "https://10.0.0.1:6443" {
		t.Errorf("merged: current %q, clusters %v", merged.CurrentContext, merged.Clusters)
	}
	if merged.Contexts["work"].Namespace != "team" || merged.AuthInfos["me"].Token != "secret" {
		t.Error("another context was touched")
	}
	if err := Remove("tiphys", previous); err != nil {
		t.Fatal(err)
	}
	after, err := clientcmd.LoadFromFile(personal)
	if err != nil {
		t.Fatal(err)
	}
	if after.CurrentContext != "work" || len(after.Contexts) != 1 || len(after.Clusters) != 1 || len(after.AuthInfos) != 1 {
		t.Errorf("after removal: %+v", after)
	}
}

func TestMergeMakesTheFileAndIsHarmlessTwice(t *testing.T) {
	component, personal := setUp(t, "")
	for range 2 {
		if previous, err := Merge(component, "tiphys"); err != nil || previous != "" {
			t.Fatalf("Merge: %q, %v", previous, err)
		}
	}
	first, err := os.Stat(personal)
	if err != nil {
		t.Fatal(err)
	}
	if first.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", first.Mode())
	}
	if err := Remove("tiphys", ""); err != nil {
		t.Fatal(err)
	}
	if err := Remove("tiphys", ""); err != nil {
		t.Errorf("second removal: %v", err)
	}
}

func TestMergeKeepsWhatAPersonSetInTheContext(t *testing.T) {
	component, personal := setUp(t, `apiVersion: v1
kind: Config
contexts:
- name: tiphys
  context: {cluster: old, user: old, namespace: mine}
`)
	if _, err := Merge(component, "tiphys"); err != nil {
		t.Fatal(err)
	}
	merged, err := clientcmd.LoadFromFile(personal)
	if err != nil {
		t.Fatal(err)
	}
	if c := merged.Contexts["tiphys"]; c.Namespace != "mine" || c.Cluster != "tiphys" || c.AuthInfo != "tiphys" {
		t.Errorf("context %+v", c)
	}
}

func TestBrokenPersonalFileIsNamedWithWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("clusters: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", file)
	err := Check()
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "mend it, or name another file in KUBECONFIG") {
		t.Errorf("Check: %v", err)
	}
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	if err := Check(); err != nil {
		t.Errorf("a file that is not there: %v", err)
	}
}
