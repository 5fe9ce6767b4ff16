package allinone

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"tiphys.dev/tiphys/pkg/allinone/cni"
)

func TestNewAgent(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*AgentConfig)
		want   string // of the error; empty: none
	}{
		{"right", func(*AgentConfig) {}, ""},
		{"no server", func(c *AgentConfig) { c.JoinServer = "" }, "https://HOST:6443"},
		{"no TLS", func(c *AgentConfig) { c.JoinServer = "http://127.0.0.1:6443" }, "https://HOST:6443"},
		{"a relative folder", func(c *AgentConfig) { c.DataDir = "data" }, "--data-dir"},
		{"a component of the server", func(c *AgentConfig) { c.Binaries = map[string]string{"kube-apiserver": "/bin/true"} }, "the components are kubelet, kube-proxy"},
		{"a kubelet of another build", func(c *AgentConfig) { c.Binaries = map[string]string{"kubelet": "/bin/true"} }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := DefaultAgent()
			cfg.JoinServer, cfg.NodeName = "https://127.0.0.1", "n"
			c.change(&cfg)
			agent, err := NewAgent(cfg)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			// The way to the server says which address the node has; the port is the usual one.
			if agent.cfg.NodeIP.String() != "127.0.0.1" || agent.cfg.Server() != "https://127.0.0.1:6443" {
				t.Errorf("node %s, server %s", agent.cfg.NodeIP, agent.cfg.Server())
			}
		})
	}
}

// testAssembly is of a cluster with its data in a folder of the test.
func testAssembly(t *testing.T) *assembly {
	t.Helper()
	cfg := Default()
	cfg.DataDir, cfg.NodeName, cfg.NodeIP = t.TempDir(), "n", netip.MustParseAddr("192.0.2.1")
	if err := cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	a := &assembly{cfg: cfg, paths: paths{data: cfg.DataDir, run: cfg.RunDir}}
	a.nodeFiles = nodeFiles{ca: cfg.DataDir + "/ca", servingCert: cfg.DataDir + "/cert", servingKey: cfg.DataDir + "/key"}
	return a
}

// What is published for all nodes must hold on all: nothing of this machine may be in it.
func TestPublishedConfigurationIsNoMachines(t *testing.T) {
	a := testAssembly(t)
	for name, c := range map[string][2]any{
		"kubelet":    {a.clusterKubelet(), a.machineKubelet(a.clusterKubelet())},
		"kube-proxy": {a.clusterProxy(), a.machineProxy(a.clusterProxy())},
	} {
		published, err := yaml.Marshal(c[0])
		if err != nil {
			t.Fatal(err)
		}
		used, err := yaml.Marshal(c[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, private := range []string{a.cfg.DataDir, a.cfg.RunDir, "hostnameOverride: \"n\"", "192.0.2.1"} {
			if strings.Contains(string(published), private) {
				t.Errorf("%s: %q is published:\n%s", name, private, published)
			}
		}
		if !strings.Contains(string(used), a.cfg.DataDir) {
			t.Errorf("%s: nothing of this machine is in\n%s", name, used)
		}
	}
}

// A range that the node was given once is kept over restarts, until the Node object says otherwise.
func TestNetworkKeepsTheRange(t *testing.T) {
	a := testAssembly(t)
	ranges := func() []netip.Prefix {
		t.Helper()
		if err := a.writeNetwork(); err != nil {
			t.Fatal(err)
		}
		found, err := cni.Ranges(a.paths.cniConf())
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := ranges(); !slices.Equal(got, prefixes(netip.MustParsePrefix("10.244.0.0/24"))) {
		t.Errorf("at first %v", got)
	}
	given := a.network()
	given.PodCIDRs = prefixes(netip.MustParsePrefix("10.244.7.0/24"))
	if err := cni.Write(given); err != nil {
		t.Fatal(err)
	}
	if got := ranges(); !slices.Equal(got, given.PodCIDRs) {
		t.Errorf("after a restart %v", got)
	}
	// One that is not of the cluster is not kept, nor one that cannot be read.
	given.PodCIDRs = prefixes(netip.MustParsePrefix("10.9.0.0/24"))
	if err := cni.Write(given); err != nil {
		t.Fatal(err)
	}
	if got := ranges(); !slices.Equal(got, prefixes(a.cfg.NodePodCIDR)) {
		t.Errorf("after one of another cluster %v", got)
	}
	files, err := filepath.Glob(filepath.Join(a.paths.cniConf(), "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[0], []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := ranges(); !slices.Equal(got, prefixes(a.cfg.NodePodCIDR)) {
		t.Errorf("after a damaged one %v", got)
	}
}

func TestOtherRuntimeHasItsOwnNetwork(t *testing.T) {
	a := testAssembly(t)
	for endpoint, want := range map[string]bool{"": true, "unix:///run/other.sock": false} {
		a.cfg.RuntimeEndpoint = endpoint
		for what, members := range map[string]int{"server": len(a.members()), "agent": len(a.agentMembers(nil))} {
			all := map[string]int{"server": 14, "agent": 7}[what]
			if (members == all) != want || !want && members != all-3 {
				t.Errorf("runtime %q: %d members of the %s", endpoint, members, what)
			}
		}
	}
}
