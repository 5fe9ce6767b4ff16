package cgroup

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
)

func burstable(uid, cpu, memory string) *v1.Pod {
	pod := &v1.Pod{}
	pod.UID, pod.Name, pod.Namespace = types.UID(uid), "p", "ns"
	pod.Spec.Containers = []v1.Container{container(map[v1.ResourceName]string{"cpu": "100m"}, map[v1.ResourceName]string{"cpu": cpu, "memory": memory})}
	return pod
}

// The unified hierarchy is plain files, so its writing can be seen without a kernel of that kind.
func TestUnifiedFiles(t *testing.T) {
	mount := t.TempDir()
	h := &hierarchy{version: 2, mounts: map[string]string{"": mount}, create: true}
	m, err := build(Config{PerQOS: true, CPUCFSQuota: true, EnforcePods: true, Root: "/own",
		Allocatable: func() v1.ResourceList {
			return v1.ResourceList{v1.ResourceCPU: resource.MustParse("2"), v1.ResourceMemory: resource.MustParse("1Gi")}
		}}, h)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.EnsureRoots(t.Context()); err != nil {
		t.Fatal(err)
	}
	parent, err := m.EnsurePod(t.Context(), burstable("u1", "500m", "64Mi"))
	if err != nil || parent != "/own/kubepods/burstable/podu1" {
		t.Fatalf("parent %q, %v", parent, err)
	}
	if err := m.SyncQOS(t.Context(), []*v1.Pod{burstable("u1", "1", "1Mi"), burstable("u2", "1", "1Mi")}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"own/kubepods/memory.max":                 "1073741824",
		"own/kubepods/cpu.weight":                 "174",
		"own/kubepods/burstable/cpu.weight":       "29",
		"own/kubepods/besteffort/cpu.weight":      "1",
		"own/kubepods/burstable/podu1/cpu.max":    "50000 100000",
		"own/kubepods/burstable/podu1/memory.max": "67108864",
		"own/kubepods/burstable/podu1/cpu.weight": "17",
	} {
		got, err := os.ReadFile(filepath.Join(mount, file))
		if err != nil || string(got) != want {
			t.Errorf("%s = %q (%v), want %q", file, got, err, want)
		}
	}
	uids, err := m.ListPods()
	if err != nil || len(uids) != 1 || uids[0] != "u1" {
		t.Errorf("ListPods: %v, %v", uids, err)
	}
}

// On the machine's own kernel: limits arrive, a leftover process is killed, nothing stays behind.
func TestKernel(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("making cgroups needs root")
	}
	root := "/tiphys-test-" + filepath.Base(t.TempDir()) + strings.ReplaceAll(t.Name(), "/", "")
	m, err := New(Config{Root: root, PerQOS: true, CPUCFSQuota: true, PodPidsLimit: 50})
	if err != nil {
		t.Skipf("no cgroups on this machine: %v", err)
	}
	ctx := context.Background()
	t.Cleanup(func() {
		if err := m.h.remove(ctx, root); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	if err := m.EnsureRoots(ctx); err != nil {
		t.Fatal(err)
	}
	pod := burstable("11111111-2222", "500m", "64Mi")
	if _, err := m.EnsurePod(ctx, pod); err != nil {
		t.Fatal(err)
	}
	got, err := m.ReadPod(pod.UID)
	if err != nil || got.Memory == nil || *got.Memory != 64<<20 || got.CPUQuota == nil || *got.CPUQuota != 50000 {
		t.Fatalf("kernel holds %+v, %v", got, err)
	}
	pod.Spec.Containers[0].Resources.Limits = nil
	if err := m.UpdatePod(ctx, pod); err != nil {
		t.Fatal(err)
	}
	if got, err = m.ReadPod(pod.UID); err != nil || *got.Memory != Unlimited || *got.CPUQuota != Unlimited {
		t.Fatalf("limits not lifted: %+v, %v", got, err)
	}

	sleeper := exec.Command("sleep", "600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range m.h.dirs(m.drv.path(m.podName(pod))) {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(itoa(sleeper.Process.Pid)), 0); err != nil {
			t.Fatal(err)
		}
	}
	if u, err := m.PodStats(pod.UID); err != nil || u.Pids == 0 {
		t.Errorf("stats %+v, %v", u, err)
	}
	ended := make(chan struct{})
	go func() { _ = sleeper.Wait(); close(ended) }()
	if err := m.RemovePod(ctx, pod.UID); err != nil {
		t.Fatal(err)
	}
	<-ended
	if uids, err := m.ListPods(); err != nil || len(uids) != 0 {
		t.Errorf("left behind: %v, %v", uids, err)
	}
	if err := m.RemovePod(ctx, pod.UID); err != nil {
		t.Errorf("removing again: %v", err)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
