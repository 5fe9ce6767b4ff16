package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, dir, name, body string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	head := "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
	if err := os.WriteFile(file, []byte(head+body), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDropInsAreLaidOverTheFile(t *testing.T) {
	dir, drop := t.TempDir(), t.TempDir()
	file := write(t, dir, "config.yaml", "maxPods: 10\nport: 1000\nevictionHard: {memory.available: 1Gi}\n")
	write(t, drop, "20-b.conf", "maxPods: 30\n")
	write(t, drop, "10-a.conf", "maxPods: 20\nclusterDomain: a.local\n")
	write(t, drop, "ignored.yaml", "maxPods: 99\n")
	c, err := Load(file, drop)
	if err != nil {
		t.Fatal(err)
	}
	SetDefaults(c)
	if c.MaxPods != 30 || c.Port != 1000 || c.ClusterDomain != "a.local" {
		t.Errorf("maxPods %d, port %d, domain %q", c.MaxPods, c.Port, c.ClusterDomain)
	}
	if len(c.EvictionHard) != 1 {
		t.Errorf("given thresholds were mixed with the defaults: %v", c.EvictionHard)
	}
	if !*c.CgroupsPerQOS || c.NodeLeaseDurationSeconds != 40 || *c.HealthzPort != 10248 {
		t.Error("defaults are missing")
	}
}

func TestWrongFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ body, say string }{
		"unknown field": {"apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPodz: 1\n", "maxPodz"},
		"other kind":    {"apiVersion: v1\nkind: Pod\n", "want kubelet.config.k8s.io/v1beta1"},
		"no YAML":       {"{", "reading"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, "f.yaml")
			if err := os.WriteFile(file, []byte(c.body), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(file, ""); err == nil || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %v, want something about %q", err, c.say)
			}
		})
	}
}
