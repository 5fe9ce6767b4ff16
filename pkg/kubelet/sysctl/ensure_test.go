package sysctl

import (
	"os"
	"path/filepath"
	"testing"
)

func TestEnsureAndRestore(t *testing.T) {
	root := t.TempDir()
	put := func(name, value string) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	has := func(name, want string) {
		t.Helper()
		if data, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(data) != want {
			t.Errorf("%s = %q %v, want %q", name, data, err, want)
		}
	}
	put("vm/overcommit_memory", "0")
	put("vm/panic_on_oom", "0")
	put("kernel/panic", "-1")
	settings := Node()[:3]
	if _, err := Ensure(root, settings, true); err == nil {
		t.Error("with protect a difference is an error")
	}
	has("kernel/panic", "-1\n")
	changes, err := Ensure(root, settings, false)
	if err != nil || len(changes) != 2 {
		t.Fatalf("%v %v", changes, err)
	}
	has("vm/overcommit_memory", "1")
	put("kernel/panic", "60") // the administrator's choice meanwhile
	if err := Restore(root, changes); err != nil {
		t.Fatal(err)
	}
	has("vm/overcommit_memory", "0")
	has("kernel/panic", "60\n")
	if _, err := Ensure(root, []Setting{{"no/such", "1"}}, false); err == nil {
		t.Error("a missing parameter must be told")
	}
}
