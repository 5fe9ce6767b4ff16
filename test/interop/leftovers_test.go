package interop

import (
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tiphys.dev/tiphys/pkg/allinone/netns"
	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

// leftovers lists what a cluster still has on the machine.
func leftovers(t *testing.T, name string, network sandbox.Network) []string {
	t.Helper()
	var out []string
	for _, path := range []string{"/run/tiphys/" + name, "/var/lib/tiphys/dev/" + name} {
		if _, err := os.Stat(path); err == nil {
			out = append(out, path)
		}
	}
	routes, err := netns.HostPrefixes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []netip.Prefix{network.Link, network.Pods, network.Services} {
		if link, ok := routes[p.Masked()]; ok {
			out = append(out, "route "+p.String()+" on "+link)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, name) {
			out = append(out, "mount "+strings.Fields(line)[4])
		}
	}
	err = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Contains(d.Name(), name) {
			out = append(out, "cgroup "+path)
		}
		return nil // a cgroup may vanish while we look
	})
	if err != nil {
		t.Fatal(err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range processes {
		line, _ := os.ReadFile(file) // the process may have ended
		if strings.Contains(string(line), name) {
			out = append(out, "process "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return out
}
