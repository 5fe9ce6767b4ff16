package admission

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names are those of upstream 1.36, read from its kube-apiserver.
type names struct {
	All         []string `json:"admission_plugins_all"`
	OnByDefault []string `json:"admission_plugins_on_by_default_in_order"`
}

func readNames(t *testing.T) names {
	t.Helper()
	data, err := os.ReadFile("testdata/names.json")
	if err != nil {
		t.Fatal(err)
	}
	var n names
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAllPluginsOfUpstreamAreKnown(t *testing.T) {
	c := NewConfig()
	registered := c.Plugins.Registered()
	slices.Sort(registered)
	if d := cmp.Diff(readNames(t).All, registered); d != "" {
		t.Errorf("registered plugins differ from upstream's (-upstream +ours):\n%s", d)
	}
	if errs := c.Validate(); len(errs) > 0 {
		t.Errorf("the table and the registered plugins disagree: %v", errs)
	}
}

func TestDefaultPluginsAndOrder(t *testing.T) {
	c := NewConfig()
	var on []string
	for _, name := range c.RecommendedPluginOrder {
		if !c.DefaultOffPlugins.Has(name) {
			on = append(on, name)
		}
	}
	if d := cmp.Diff(readNames(t).OnByDefault, on); d != "" {
		t.Errorf("plugins on by default differ from upstream's (-upstream +ours):\n%s", d)
	}
}

func TestNodeRestrictionCanBeEnabled(t *testing.T) {
	c := NewConfig()
	c.EnablePlugins = []string{"NodeRestriction"}
	if errs := c.Validate(); len(errs) > 0 {
		t.Errorf("--enable-admission-plugins=NodeRestriction: %v", errs)
	}
}
