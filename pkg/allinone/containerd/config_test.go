package containerd

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestRender(t *testing.T) {
	cfg := Config{
		BinDir: "/opt/tiphys/bin", CNIBinDir: "/opt/tiphys/bin", CNIConfDir: "/data/cni", Root: "/data/containerd",
		State: "/run/tiphys/containerd", RegistryConfigDir: "/data/registries",
		PauseImage: `registry.k8s.io/pause:3.10.2`, RestrictOOMScore: true,
	}
	got, err := cfg.render()
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/config.toml"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("config.toml (-want +got):\n%s", diff)
	}
}

func TestBoundingSetHas(t *testing.T) {
	cases := []struct {
		name, status string
		want, fails  bool
	}{
		{"full", "Name:\tx\nCapBnd:\t000001ffffffffff\n", true, false},
		{"without resource", "CapBnd:\t000001fffeffffff\n", false, false},
		{"no line", "Name:\tx\n", false, true},
		{"nonsense", "CapBnd:\tzz\n", false, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := boundingSetHas([]byte(c.status), capSysResource)
			if got != c.want || (err != nil) != c.fails {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
