package cgrouproot

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/moby/sys/mountinfo"
)

func TestHierarchiesOfTakesEachOnce(t *testing.T) {
	got := hierarchiesOf([]*mountinfo.Info{
		{FSType: "cgroup", Mountpoint: "/sys/fs/cgroup/cpu", VFSOptions: "rw,cpu,cpuacct"},
		{FSType: "cgroup", Mountpoint: "/other/cpu", VFSOptions: "rw,cpu,cpuacct"},
		{FSType: "cgroup", Mountpoint: "/sys/fs/cgroup/systemd", VFSOptions: "rw,name=systemd"},
		{FSType: "cgroup2", Mountpoint: "/sys/fs/cgroup/unified", VFSOptions: "rw"},
	})
	var text []string
	for _, h := range got {
		text = append(text, fmt.Sprintf("%s %v %v", h.mount, h.controllers, h.unified))
	}
	want := []string{
		"/sys/fs/cgroup/cpu [cpu cpuacct] false",
		"/sys/fs/cgroup/systemd [] false",
		"/sys/fs/cgroup/unified [] true",
	}
	if !slices.Equal(text, want) {
		t.Errorf("got %q, want %q", text, want)
	}
}

func TestOpenRejectsTheTop(t *testing.T) {
	for _, path := range []string{"", "/", "relative", "//"} {
		if _, err := Open(path); err == nil {
			t.Errorf("Open(%q) succeeded", path)
		}
	}
}

func TestLifeOfARoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("making cgroups needs root")
	}
	root, err := Open(fmt.Sprintf("/tiphys-test-%d", os.Getpid()))
	if err != nil {
		t.Skipf("no cgroups here: %v", err)
	}
	t.Cleanup(func() { _ = root.Remove() })
	for range 2 { // harmless twice
		if err := root.Ensure("node"); err != nil {
			t.Fatal(err)
		}
	}
	if pids, err := root.Processes(); err != nil || len(pids) != 0 {
		t.Fatalf("fresh root: %v, %v", pids, err)
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	for _, h := range root.hierarchies {
		if err := os.WriteFile(root.dir(h, "node")+"/cgroup.procs", []byte(fmt.Sprint(child.Process.Pid)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pids, err := root.Processes()
	if err != nil || !slices.Equal(pids, []int{child.Process.Pid}) {
		t.Errorf("processes %v, %v; want %d", pids, err, child.Process.Pid)
	}
	if err := root.Remove(); err == nil {
		t.Error("removed a cgroup with a process inside")
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	if err := root.Remove(); err != nil {
		t.Errorf("Remove: %v", err)
	}
}
