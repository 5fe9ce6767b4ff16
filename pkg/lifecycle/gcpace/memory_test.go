package gcpace

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestRoomOfMachine(t *testing.T) {
	for memory, want := range map[uint64]uint64{512 * mib: 16 * mib, 2048 * mib: 64 * mib, 4096 * mib: 128 * mib, 24576 * mib: 224 * mib, math.MaxUint64: 224 * mib, 0: 16 * mib} {
		if got := roomOf(memory); got != want {
			t.Errorf("%d MiB: %d MiB, want %d", memory/mib, got/mib, want/mib)
		}
	}
	if memory := machineMemory(); memory < 64*mib || memory > 1<<50 {
		t.Errorf("this machine has %d bytes of memory", memory)
	}
}

func TestCgroupMemory(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	write("mount/system.slice/memory.max", "1073741824\n")
	write("mount/system.slice/tiphys.service/memory.max", "max\n")
	for text, want := range map[string]uint64{
		"0::/system.slice/tiphys.service\n": 1 << 30,
		"0::/user.slice\n":                  math.MaxUint64,
		"0::/\n":                            math.MaxUint64,
		"12:memory:/system.slice\n":         math.MaxUint64,
		"1:name=systemd:/\n0::/system.slice/tiphys.service\n": 1 << 30,
	} {
		if got := cgroupMemory(write("cgroup", text), filepath.Join(dir, "mount")); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if got := cgroupMemory(filepath.Join(dir, "none"), dir); got != math.MaxUint64 {
		t.Errorf("a process without cgroups: %d", got)
	}
}
