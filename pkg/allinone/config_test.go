package allinone

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongBinaries(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for binary, want := range map[string]string{
		"kubelet=/none":      "--use-binary kubelet=/none",
		"kubelet=" + plain:   "name a program that is there",
		"kube-dns=/bin/true": "the components are",
		"kubelet=/bin/true":  "",
	} {
		name, path, _ := strings.Cut(binary, "=")
		cfg := Default()
		cfg.NodeName, cfg.NodeIP = "node", netip.MustParseAddr("192.0.2.1")
		cfg.NodeBinDir, cfg.ImageDir = t.TempDir(), t.TempDir()
		cfg.Binaries = map[string]string{name: path}
		if err := cfg.Complete(); err != nil {
			t.Fatal(err)
		}
		err := cfg.Validate()
		if want == "" && err != nil && strings.Contains(err.Error(), "--use-binary") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", binary, err, want)
		}
	}
}
