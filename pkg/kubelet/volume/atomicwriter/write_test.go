package atomicwriter

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func show(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "..2") {
			continue
		}
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			out[e.Name()] = "no link"
		} else if e.Name() != "..data" {
			out[e.Name()] = target
		}
	}
	return out
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	write := func(p Payload) bool {
		t.Helper()
		changed, err := Write(dir, p, noon, nil)
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	if !write(Payload{"a": {Data: []byte("1"), Mode: 0o640}, "d/b": {Data: []byte("2"), Mode: 0o400}}) {
		t.Fatal("first write changed nothing")
	}
	first, _ := os.Readlink(filepath.Join(dir, "..data"))
	if write(Payload{"a": {Data: []byte("1"), Mode: 0o640}, "d/b": {Data: []byte("2"), Mode: 0o400}}) {
		t.Error("the same content was written again")
	}
	if info, err := os.Stat(filepath.Join(dir, "a")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode of a: %v %v", info, err)
	}
	if !write(Payload{"d/c": {Data: []byte("3"), Mode: 0o644}}) {
		t.Error("a removed file is a change")
	}
	if got := show(t, dir); len(got) != 1 || got["d"] != "..data/d" {
		t.Errorf("directory shows %v", got)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "d", "c")); err != nil || string(data) != "3" {
		t.Errorf("d/c = %q %v", data, err)
	}
	if _, err := os.Stat(filepath.Join(dir, first)); !os.IsNotExist(err) {
		t.Errorf("old content stayed: %v", err)
	}
	if !write(Payload{}) || len(show(t, dir)) != 0 {
		t.Error("an empty payload must empty the directory")
	}
}

// A crash may leave a half-written directory and a link that was never turned.
func TestWriteAfterCrash(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "..2026_01_01_00_00_00.1"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..2026_01_01_00_00_00.1", filepath.Join(dir, "..data_tmp")); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, Payload{"a": {Data: []byte("x"), Mode: 0o644}}, noon, nil); err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) != 3 || !slices.Contains(names, "a") || !slices.Contains(names, "..data") {
		t.Errorf("leftovers: %v", names)
	}
}

func TestWriteRefusesPaths(t *testing.T) {
	for _, name := range []string{"", "/etc/passwd", "../x", "a/../../x", "..data", "a/..", "a//b"} {
		if _, err := Write(t.TempDir(), Payload{name: {}}, noon, nil); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}
