package preflight

import (
	"net"
	"strings"
	"testing"
)

func good() Facts {
	return Facts{
		Root: true, FileSystems: []string{"proc", "tmpfs", "overlay"}, BridgeNetfilter: true,
		Controllers: []string{"cpu", "cpuset", "memory", "pids", "io"},
	}
}

func TestProblems(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Facts)
		want   []string
	}{
		{"none", func(*Facts) {}, nil},
		{"not root: nothing else is said", func(f *Facts) { *f = Facts{} }, []string{"use sudo"}},
		{"no overlay", func(f *Facts) { f.FileSystems = []string{"proc", "tmpfs"} }, []string{"modprobe overlay"}},
		{"no memory controller", func(f *Facts) { f.Controllers = []string{"cpu", "cpuset", "pids"} }, []string{"memory"}},
		{"no nft", func(f *Facts) { f.MissingPrograms, f.Nftables = []string{"nft"}, "not found" }, []string{"install nftables"}},
		{"nft without kernel", func(f *Facts) { f.Nftables = "Protocol not supported" }, []string{"modprobe nf_tables"}},
		{"no hosts file", func(f *Facts) { f.NoHosts = true }, []string{"> /etc/hosts"}},
		{"two at once", func(f *Facts) { f.BridgeNetfilter = false; f.Nftables = "x" }, []string{"nf_tables", "br_netfilter"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := good()
			c.change(&f)
			got := Problems(f)
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %d", got, len(c.want))
			}
			for i, want := range c.want {
				if !strings.Contains(got[i].Error(), want) {
					t.Errorf("got %q, want %q in it", got[i], want)
				}
			}
		})
	}
}

func TestCheckPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cases := []struct {
		name string
		port Port
		want string
	}{
		{"free", Port{For: "x", Address: "127.0.0.1:0"}, ""},
		{"in use", Port{For: "the API server", Flag: "--api-port", Address: taken.Addr().String()}, "choose another port with --api-port"},
		{"not ours", Port{For: "the API server", Address: "192.0.2.250:0"}, "--node-ip"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := CheckPorts([]Port{c.port})
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("got %v", got)
			case c.want != "" && (len(got) != 1 || !strings.Contains(got[0].Error(), c.want)):
				t.Errorf("got %v, want %q", got, c.want)
			}
		})
	}
}
