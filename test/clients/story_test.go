package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tiphys.dev/tiphys/test/peer"
)

func TestHelm(t *testing.T) {
	asked(t)
	for _, h := range []struct {
		version, force, undo string
		more                 []step
	}{
		{"v3", "--force", "--atomic", nil},
		{"v4", "--force-replace --server-side=false", "--rollback-on-failure", serverSide()},
	} {
		t.Run(h.version, func(t *testing.T) {
			tools := map[string]string{"helm": build(t, "helm-"+h.version, "helm.sh/helm/"+h.version+"/cmd/helm")}
			tell(t, tools, helm("life", h.force, h.undo, h.more...))
		})
	}
}

func TestKubectl(t *testing.T) {
	asked(t)
	for _, name := range []string{"kubectl", "kubectl-1.32"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(peer.DefaultBinDir(), name)
			if _, err := os.Stat(path); err != nil {
				t.Skipf("upstream's kubectl is not built: %v", err)
			}
			tell(t, map[string]string{"kubectl": path}, kubectlStory())
		})
	}
}

// build makes a program of a pinned module, once.
func build(t *testing.T, name, pkg string) string {
	t.Helper()
	path := built(t, "bin", name)
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", path, pkg)
	cmd.Dir = module(name)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly -p=2")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("%s cannot be built: %v\n%s", name, err, out)
	}
	return path
}
