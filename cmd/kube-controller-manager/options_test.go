package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Every flag of upstream's binary must exist with its type and default.
func TestFlagsAreUpstreams(t *testing.T) {
	var want []struct{ Name, Type, Default string }
	data, err := os.ReadFile("testdata/flags.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	fs := newCommand().Flags()
	known := map[string]bool{"help": true}
	for _, w := range want {
		known[w.Name] = true
		f := fs.Lookup(w.Name)
		if f == nil {
			if w.Name != "help" { // cobra adds it when it runs
				t.Errorf("--%s is missing", w.Name)
			}
			continue
		}
		if got := shown(f); got != strings.Trim(w.Default, `"`) {
			t.Errorf("--%s: default %q, want %q", w.Name, got, w.Default)
		}
	}
	fs.VisitAll(func(f *pflag.Flag) {
		if !known[f.Name] && f.Deprecated == "" && !f.Hidden {
			t.Errorf("--%s is not upstream's", f.Name)
		}
	})
}

// shown is the default as --help prints it: zero values are left out.
func shown(f *pflag.Flag) string {
	switch f.DefValue {
	case "false", "0", "0s", "[]", "", "<nil>":
		if f.Value.Type() == "int32Slice" || f.Value.Type() == "namedCertKey" || f.Value.Type() == "stringToString" {
			return f.DefValue
		}
		return ""
	}
	return f.DefValue
}
