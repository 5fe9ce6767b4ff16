package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestCommand makes one command for all checks: the libraries' feature gates are the process's and take flags once.
func TestCommand(t *testing.T) {
	cmd := newCommand()
	t.Run("flags", func(t *testing.T) { checkFlags(t, cmd.Flags()) })
	t.Run("default configuration", func(t *testing.T) { checkDefaultConfiguration(t, cmd) })
	t.Run("feature gates", checkGates)
}

// checkGates sets what cannot be. The process's gates remember it, so nothing comes after this.
func checkGates(t *testing.T) {
	cmd := newCommand()
	cmd.SetArgs([]string{"--feature-gates=GangScheduling=true", "--write-config-to", filepath.Join(t.TempDir(), "out.yaml")})
	if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "depends on features that are disabled: [GenericWorkload]") {
		t.Errorf("GangScheduling without GenericWorkload: %v", err)
	}
}

// checkFlags compares with what upstream's binary lists.
func checkFlags(t *testing.T, fs *pflag.FlagSet) {
	data, err := os.ReadFile("testdata/flags.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		Name, Type, Default string
		Deprecated          bool
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for _, one := range want {
		flag := fs.Lookup(one.Name)
		switch {
		case one.Name == "help":
		case flag == nil:
			t.Errorf("--%s is missing", one.Name)
		case one.Default != "" && one.Type != "string" && flag.DefValue != one.Default:
			t.Errorf("--%s is %s by default, want %s", one.Name, flag.DefValue, one.Default)
		case one.Type == "string" && one.Default != "" && `"`+flag.DefValue+`"` != one.Default:
			t.Errorf("--%s is %q by default, want %s", one.Name, flag.DefValue, one.Default)
		}
	}
}

// checkDefaultConfiguration compares with what upstream's binary writes.
func checkDefaultConfiguration(t *testing.T, cmd *cobra.Command) {
	want, err := os.ReadFile("testdata/default-scheduler-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "out.yaml")
	cmd.SetArgs([]string{"--write-config-to", file, "--kubeconfig", "KUBECONFIG"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("the default configuration differs:\n%s", got)
	}
}
