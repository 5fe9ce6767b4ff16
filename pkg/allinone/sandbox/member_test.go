package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestMembers(t *testing.T) {
	dir := t.TempDir()
	c := newCluster(Config{Name: "a"}, record{Slot: 3, DataDir: dir})
	if got := c.NodeNames(); !slices.Equal(got, []string{"a"}) || c.switched() {
		t.Errorf("one node: %q", got)
	}
	c = newCluster(Config{Name: "a"}, record{Slot: 3, DataDir: dir, Nodes: 3})
	if got := c.NodeNames(); !slices.Equal(got, []string{"a", "a-2", "a-3"}) || !c.switched() {
		t.Errorf("three nodes: %q", got)
	}
	// Nothing of a node may be another cluster's: not even of one called like it.
	seen := map[string]string{}
	for _, name := range []string{"a", "a-2"} {
		for _, m := range newCluster(Config{Name: name}, record{Slot: 3, DataDir: filepath.Join(dir, name), Nodes: 3}).members() {
			for _, of := range []string{m.cgroup(), m.set().Net(), m.dataDir()} {
				if other, taken := seen[of]; taken {
					t.Errorf("%s is of %s and of node %s of cluster %s", of, other, m.name(), name)
				}
				seen[of] = m.name()
			}
			if !m.c.network.Link.Contains(m.address()) || m.address() == m.c.network.Host() {
				t.Errorf("address %s of %s", m.address(), m.name())
			}
		}
	}
	if _, err := c.node("b"); err == nil {
		t.Error("a node that is not there was found")
	}
}

// A tiphys that does not know the number drops it from the index.
func TestNodesOnDisk(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a-2", "a-4", "b-9", "a-x", "a"} {
		if err := os.MkdirAll(filepath.Join(dir, "nodes", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(newCluster(Config{Name: "a"}, record{DataDir: dir}).members()); got != 4 {
		t.Errorf("%d nodes", got)
	}
	if got := len(newCluster(Config{Name: "c"}, record{DataDir: dir}).members()); got != 1 {
		t.Errorf("%d nodes of another cluster", got)
	}
}

func TestForAgents(t *testing.T) {
	got := forAgents([]string{"--v=2", "--use-binary=kubelet=/k", "--use-binary=kube-apiserver=/a", "--component-arg=kube-proxy=--v=4",
		"--component-arg=kube-scheduler=--v=4", "--node-bin-dir=/b"})
	want := []string{"--v=2", "--use-binary=kubelet=/k", "--component-arg=kube-proxy=--v=4", "--node-bin-dir=/b"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
