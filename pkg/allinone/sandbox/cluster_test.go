package sandbox

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNames(t *testing.T) {
	cases := map[string]bool{
		"": true, "tiphys": true, "a": true, "team-2": true,
		"Big": false, "-a": false, "a-": false, "2a": false, "a.b": false, "a/b": false,
		"..": false, strings.Repeat("x", 31): false,
	}
	for name, want := range cases {
		cfg := Config{Name: name, Home: t.TempDir()}
		if err := cfg.complete(); (err == nil) != want {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

func TestIndexKeepsWhatWasWrittenAndNothingOfAFailure(t *testing.T) {
	home := t.TempDir()
	if err := withIndex(home, func(idx *index) error {
		idx.Clusters["a"] = &record{Slot: 3, DataDir: "/d", Up: true}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("no")
	if err := withIndex(home, func(idx *index) error {
		delete(idx.Clusters, "a")
		return failure
	}); !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
	if err := withIndex(home, func(idx *index) error {
		if r := idx.Clusters["a"]; r == nil || r.Slot != 3 || !idx.anyUp() || !idx.takenSlots()[3] {
			t.Errorf("index %+v", idx.Clusters)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Name: "b", Home: home}); !errors.Is(err, ErrUnknown) {
		t.Errorf("Open of an unknown cluster: %v", err)
	}
	c, err := Open(Config{Name: "a", Home: home})
	if err != nil || c.DataDir() != "/d" || c.Context() != "tiphys-a" {
		t.Errorf("Open: %+v, %v", c, err)
	}
}

func TestRemoveDataStopsAtMounts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	inner := filepath.Join(dir, "data", "disk")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", inner, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	precious := filepath.Join(inner, "precious")
	if err := os.WriteFile(precious, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := removeData(filepath.Join(dir, "data")); err == nil || !strings.Contains(err.Error(), inner) {
		t.Errorf("removeData: %v", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Errorf("what was mounted was touched: %v", err)
	}
	if err := unix.Unmount(inner, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 { // and harmless when it is gone
		if err := removeData(filepath.Join(dir, "data")); err != nil {
			t.Error(err)
		}
	}
}

func TestSignalAndWait(t *testing.T) {
	start := func(script string) *exec.Cmd {
		cmd := exec.Command("/bin/sh", "-c", script)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = cmd.Wait() }() // a zombie would count as not ended
		return cmd
	}
	obeys := start("exec sleep 60")
	if ended, err := signalAndWait([]int{obeys.Process.Pid}, unix.SIGTERM, 10*time.Second); !ended || err != nil {
		t.Errorf("a process that obeys: %v, %v", ended, err)
	}
	// It has ended: to be told again is no error.
	if ended, err := signalAndWait([]int{obeys.Process.Pid}, unix.SIGTERM, time.Second); !ended || err != nil {
		t.Errorf("a process that has ended: %v, %v", ended, err)
	}
	deafNow := filepath.Join(t.TempDir(), "deaf")
	if err := unix.Mkfifo(deafNow, 0o600); err != nil {
		t.Fatal(err)
	}
	deaf := start("trap '' TERM; echo > " + deafNow + "; exec sleep 60")
	if _, err := os.ReadFile(deafNow); err != nil { // blocks until the signal is ignored
		t.Fatal(err)
	}
	if ended, _ := signalAndWait([]int{deaf.Process.Pid}, unix.SIGTERM, 50*time.Millisecond); ended {
		t.Error("a process that ignores the signal was taken for ended")
	}
	if ended, err := signalAndWait([]int{deaf.Process.Pid}, unix.SIGKILL, 10*time.Second); !ended || err != nil {
		t.Errorf("a killed process: %v, %v", ended, err)
	}
}
