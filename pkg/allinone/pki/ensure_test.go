package pki

import (
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func config(dir string) Config {
	return Config{
		Dir: dir, NodeName: "node", NodeIP: net.IPv4(10, 99, 0, 2), ServiceIP: net.IPv4(10, 96, 0, 1),
		ClusterDomain: "cluster.local", Now: t0,
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(data)
	}
	return all
}

func changed(before, after map[string]string) string {
	var names []string
	for name, data := range after {
		if before[name] != data && strings.HasSuffix(name, ".crt") {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func TestEnsureChangesOnlyWhatNoLongerFits(t *testing.T) {
	cases := []struct {
		name   string
		change func(*testing.T, *Config)
		want   string
	}{
		{"nothing", func(*testing.T, *Config) {}, ""},
		{"another node address", func(_ *testing.T, c *Config) { c.ExtraNames = []string{"10.1.2.3"} }, "apiserver.crt"},
		{"another public name", func(_ *testing.T, c *Config) { c.ExtraNames = []string{"api.example"} }, "apiserver.crt"},
		{"a lost certificate", func(t *testing.T, c *Config) {
			if err := os.Remove(filepath.Join(c.Dir, "scheduler.crt")); err != nil {
				t.Fatal(err)
			}
		}, "scheduler.crt"},
		{"a key of another pair, as after a crash", func(t *testing.T, c *Config) {
			data, err := os.ReadFile(filepath.Join(c.Dir, "proxy.key"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(c.Dir, "admin.key"), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "admin.crt"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t.TempDir())
			if _, err := Ensure(cfg); err != nil {
				t.Fatal(err)
			}
			before := contents(t, cfg.Dir)
			c.change(t, &cfg)
			if _, err := Ensure(cfg); err != nil {
				t.Fatal(err)
			}
			if got := changed(before, contents(t, cfg.Dir)); got != c.want {
				t.Errorf("changed %q, want %q", got, c.want)
			}
		})
	}
}

func TestEnsureRenewsLeavesInTheLastThirdOfTheirLife(t *testing.T) {
	cfg := config(t.TempDir())
	if _, err := Ensure(cfg); err != nil {
		t.Fatal(err)
	}
	before := contents(t, cfg.Dir)
	cfg.Now = t0.Add(leafLife * 3 / 4)
	if _, err := Ensure(cfg); err != nil {
		t.Fatal(err)
	}
	after := contents(t, cfg.Dir)
	for name := range after {
		if !strings.HasSuffix(name, ".crt") {
			continue
		}
		isCA := strings.HasSuffix(name, "ca.crt")
		if renewed := before[name] != after[name]; renewed == isCA {
			t.Errorf("%s: renewed %v, want %v", name, renewed, !isCA)
		}
	}
}

func TestLeavesVerify(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.ExtraNames = []string{"api.example"}
	if _, err := Ensure(cfg); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, ca, host string
		usage          x509.ExtKeyUsage
	}{
		{"apiserver", "ca", "kubernetes.default.svc.cluster.local", x509.ExtKeyUsageServerAuth},
		{"apiserver", "ca", "api.example", x509.ExtKeyUsageServerAuth},
		{"apiserver", "ca", "10.96.0.1", x509.ExtKeyUsageServerAuth},
		{"kubelet-server", "ca", "10.99.0.2", x509.ExtKeyUsageServerAuth},
		{"kubelet", "ca", "", x509.ExtKeyUsageClientAuth},
		{"front-proxy-client", "front-proxy-ca", "", x509.ExtKeyUsageClientAuth},
	}
	for _, c := range cases {
		t.Run(c.name+" "+c.host, func(t *testing.T) {
			leaf, err := readPair(cfg.Dir, c.name)
			if err != nil {
				t.Fatal(err)
			}
			ca, err := readPair(cfg.Dir, c.ca)
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			roots.AddCert(ca.cert)
			if _, err := leaf.cert.Verify(x509.VerifyOptions{
				Roots: roots, DNSName: c.host, KeyUsages: []x509.ExtKeyUsage{c.usage}, CurrentTime: t0,
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEnsureNeverReplacesAnAuthority(t *testing.T) {
	cases := []struct{ name, lose, want string }{
		{"key lost", "ca.key", "partner is missing"},
		{"certificate lost", "front-proxy-ca.crt", "partner is missing"},
		{"token key lost", "sa.key", "public half exists"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t.TempDir())
			if _, err := Ensure(cfg); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(cfg.Dir, c.lose)); err != nil {
				t.Fatal(err)
			}
			if _, err := Ensure(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Ensure: %v, want %q", err, c.want)
			}
		})
	}
	t.Run("damaged", func(t *testing.T) {
		cfg := config(t.TempDir())
		if _, err := Ensure(cfg); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(cfg.Dir, "ca.crt"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Ensure(cfg); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("Ensure: %v", err)
		}
	})
}
