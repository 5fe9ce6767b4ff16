package interop

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// longest is how much time a mix must have, so that it can be taken away before the test is killed.
const longest = 5 * time.Minute

func TestMixes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts twelve clusters")
	}
	if what := missing(); what != "" {
		t.Skip(what)
	}
	images := t.TempDir()
	if err := writeImages(images); err != nil {
		t.Fatal(err)
	}
	for i, m := range mixes() {
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			if deadline, ok := t.Deadline(); ok && time.Until(deadline) < longest {
				t.Skipf("a mix may take %v: give more with -timeout", longest)
			}
			c := start(t, m, i, images)
			c.isMixed()
			c.live()
			for _, part := range c.serverStatus().Components {
				if part.Restarts > 0 {
					t.Errorf("%s was restarted %d times: %s", part.Name, part.Restarts, part.Error)
				}
			}
		})
	}
}

// isMixed looks whether the programs that run are those of the mix, and whether they say so.
func (c *cluster) isMixed() {
	c.Helper()
	running := c.running()
	for _, component := range components {
		if want := c.mix.binary(component); running[component] != want {
			c.Errorf("%s runs as %q, want %q", component, running[component], want)
		}
	}
	version, err := c.client.Discovery().ServerVersion()
	c.must(err)
	node, err := c.client.CoreV1().Nodes().Get(c.Context(), c.name, metav1.GetOptions{})
	c.must(err)
	c.Logf("API server %s, kubelet %s", version.GitVersion, node.Status.NodeInfo.KubeletVersion)
}
