package cni

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	cases := []struct {
		name    string
		present []string
		ours    bool
	}{
		{"empty folder", nil, true},
		{"ours from before", []string{fileName}, true},
		{"a file that is no configuration", []string{"README"}, true},
		{"another network", []string{"05-cilium.conflist"}, false},
		{"another network installed after ours", []string{fileName, "20-calico.conf"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range c.present {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			cfg := Config{ConfDir: dir, PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/24")}, DataDir: "/x"}
			if err := Write(cfg); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(filepath.Join(dir, fileName))
			if (err == nil) != c.ours {
				t.Fatalf("our file present: %v, want %v", err == nil, c.ours)
			}
			if !c.ours {
				return
			}
			var list struct {
				Plugins []struct {
					Type string
					IPAM struct{ Ranges [][]struct{ Subnet string } }
				}
			}
			if err := json.Unmarshal(content, &list); err != nil {
				t.Fatal(err)
			}
			if got := list.Plugins[0].IPAM.Ranges[0][0].Subnet; got != "10.244.0.0/24" {
				t.Errorf("subnet %q", got)
			}
		})
	}
}

func TestWriteNeedsARange(t *testing.T) {
	if err := Write(Config{ConfDir: t.TempDir()}); err == nil {
		t.Error("accepted a network without addresses")
	}
}
