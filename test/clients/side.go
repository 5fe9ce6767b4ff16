package clients

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"tiphys.dev/tiphys/test/peer"
)

// side is one of the two servers.
type side string

const (
	upstream side = "upstream"
	ours     side = "ours"
)

var sides = []side{upstream, ours}

// root is the checkout this file was compiled from.
func root() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..")
}

// asked skips a test that fetches, builds and runs other projects for a quarter of an hour and more, unless somebody wants it.
func asked(t *testing.T) {
	t.Helper()
	if os.Getenv("CLIENTS") == "" {
		t.Skip("takes long and fetches modules: hack/clients.sh runs it, or CLIENTS=1")
	}
}

// assets is a folder with what a client of a side may start: the API server, and upstream's store, controller manager and kubectl. The
// test skips if one is not built.
func assets(t *testing.T, s side) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"} {
		from := peer.DefaultBinDir()
		if s == ours && name == "kube-apiserver" {
			from = peer.OurBinDir()
		}
		target, err := filepath.Abs(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(target); err != nil {
			t.Skipf("%s is not built: %v", name, err)
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// built is where built clients stay from run to run.
func built(t *testing.T, elem ...string) string {
	t.Helper()
	dir := os.Getenv("CLIENTS_CACHE")
	if dir == "" {
		dir = filepath.Join(root(), "_output", "clients")
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// module is the folder of the Go module that pins a client.
func module(name string) string { return filepath.Join(root(), "test", "clients", "modules", name) }

func (s side) of(what string) string { return fmt.Sprintf("%s with %s", what, s) }
