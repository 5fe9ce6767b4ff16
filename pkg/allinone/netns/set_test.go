package netns

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// held makes a network namespace of its own, with the test's mount and UTS namespaces beside it.
func held(t *testing.T) Set {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making namespaces needs root")
	}
	set := At(filepath.Join(t.TempDir(), "ns"))
	if err := set.Prepare(); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := set.Release(); err != nil {
			t.Errorf("Release: %v", err)
		}
	})
	if err := set.NewNet(); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestNamespacesOutliveTheirProcess(t *testing.T) {
	set := held(t)
	if complete, err := set.Complete(); complete || err != nil {
		t.Errorf("complete with a network only: %v, %v", complete, err)
	}
	child := exec.Command("sleep", "60")
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWUTS}
	if err := set.DoNet(child.Start); err != nil {
		t.Fatal(err)
	}
	if err := set.HoldOf(child.Process.Pid); err != nil {
		t.Fatal(err)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	if complete, err := set.Complete(); !complete || err != nil {
		t.Fatalf("not complete: %v, %v", complete, err)
	}
	// A child started inside lives there; this process does not.
	var out strings.Builder
	inside := exec.Command("readlink", "/proc/self/ns/net", "/proc/self/ns/mnt", "/proc/self/ns/uts")
	inside.Stdout = &out
	if err := set.Do(inside.Start); err != nil {
		t.Fatal(err)
	}
	if err := inside.Wait(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		kind, _, _ := strings.Cut(line, ":")
		ours, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(line) == ours {
			t.Errorf("the child was in our own namespace %s", ours)
		}
	}
}

func TestWireIsRepeatableAndGoesWithTheLink(t *testing.T) {
	set := held(t)
	// Names and ranges no cluster uses.
	w := Wiring{
		HostLink:    fmt.Sprintf("tt%d", os.Getpid()%1e6),
		HostAddress: netip.MustParsePrefix("10.98.254.1/24"), NodeAddress: netip.MustParsePrefix("10.98.254.2/24"),
		Pods: netip.MustParsePrefix("10.98.252.0/24"), Services: netip.MustParsePrefix("10.98.253.0/24"),
	}
	t.Cleanup(func() { _ = Unwire(w.HostLink) })
	for range 2 {
		if err := set.Wire(w); err != nil {
			t.Fatal(err)
		}
	}
	prefixes, err := HostPrefixes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []netip.Prefix{w.Pods, w.Services, w.NodeAddress.Masked()} {
		if prefixes[p] != w.HostLink {
			t.Errorf("route to %s on %q", p, prefixes[p])
		}
	}
	// From inside, the outside is refused at once.
	err = set.DoNet(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 99}, Port: 9})
	})
	if err != unix.EHOSTUNREACH && err != unix.ENETUNREACH {
		t.Errorf("a packet to the outside: %v", err)
	}
	for range 2 {
		if err := Unwire(w.HostLink); err != nil {
			t.Fatal(err)
		}
	}
	if prefixes, err = HostPrefixes(); err != nil {
		t.Fatal(err)
	}
	for p, link := range prefixes {
		if link == w.HostLink || p == w.Pods {
			t.Errorf("route to %s is left on %s", p, link)
		}
	}
}
