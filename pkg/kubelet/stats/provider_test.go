package stats

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	testingclock "k8s.io/utils/clock/testing"

	"tiphys.dev/tiphys/pkg/kubelet/cgroup"
	"tiphys.dev/tiphys/pkg/kubelet/volume"
)

// machine answers for runtime, images and cgroups.
type machine struct {
	dir   string
	at    time.Time
	nanos uint64
	walks int
}

func number(n uint64) *runtimeapi.UInt64Value { return &runtimeapi.UInt64Value{Value: n} }

func (m *machine) ListPodSandboxStats(context.Context, *runtimeapi.PodSandboxStatsFilter) ([]*runtimeapi.PodSandboxStats, error) {
	one := func(attempt uint32) *runtimeapi.PodSandboxStats {
		return &runtimeapi.PodSandboxStats{Attributes: &runtimeapi.PodSandboxAttributes{Metadata: &runtimeapi.PodSandboxMetadata{Name: "p", Namespace: "ns", Uid: "u", Attempt: attempt}},
			Linux: &runtimeapi.LinuxPodSandboxStats{Network: &runtimeapi.NetworkUsage{DefaultInterface: &runtimeapi.NetworkInterfaceUsage{Name: "eth0", RxBytes: number(7)}},
				Containers: []*runtimeapi.ContainerStats{{Attributes: &runtimeapi.ContainerAttributes{Id: "c1", Metadata: &runtimeapi.ContainerMetadata{Name: "c"}},
					Cpu:           &runtimeapi.CpuUsage{Timestamp: m.at.UnixNano(), UsageCoreNanoSeconds: number(m.nanos)},
					Memory:        &runtimeapi.MemoryUsage{WorkingSetBytes: number(11)},
					WritableLayer: &runtimeapi.FilesystemUsage{UsedBytes: number(100), InodesUsed: number(2)}}}}}
	}
	return []*runtimeapi.PodSandboxStats{one(0), one(1)}, nil
}

func (m *machine) ListContainers(context.Context, *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	return []*runtimeapi.Container{{Id: "c1", CreatedAt: 1e9}}, nil
}

func (m *machine) ImageFsInfo(context.Context) (*runtimeapi.ImageFsInfoResponse, error) {
	fs := &runtimeapi.FilesystemUsage{FsId: &runtimeapi.FilesystemIdentifier{Mountpoint: m.dir}, UsedBytes: number(5)}
	return &runtimeapi.ImageFsInfoResponse{ImageFilesystems: []*runtimeapi.FilesystemUsage{fs}}, nil
}

func (m *machine) Stats(string) (*cgroup.Usage, error) {
	return &cgroup.Usage{Time: m.at, CPUNanos: m.nanos, MemoryUsage: 50, WorkingSet: 40}, nil
}

func (m *machine) PodStats(types.UID) (*cgroup.Usage, error) {
	return &cgroup.Usage{Time: m.at, CPUNanos: m.nanos, WorkingSet: 12, Pids: 3, MemoryLimit: 100}, nil
}

func (m *machine) KubepodsPath() string { return "/kubepods" }

func TestSummary(t *testing.T) {
	clock := testingclock.NewFakeClock(time.Unix(1000, 0))
	m := &machine{dir: t.TempDir(), at: clock.Now(), nanos: 1e9}
	logs := filepath.Join(m.dir, "ns_p_u", "c")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(logs, "0.log"), make([]byte, 8192), 0o644); err != nil {
		t.Fatal(err)
	}
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: "u"}}
	p, err := New(Config{NodeName: "n", Machine: Machine{Memory: 1000}, RootDir: m.dir, LogsDir: m.dir, Runtime: m, Images: m, Groups: m, Clock: clock,
		Pods: func() []*v1.Pod { return []*v1.Pod{pod} },
		Volumes: func(context.Context, *v1.Pod) ([]volume.Usage, error) {
			m.walks++
			return []volume.Usage{{Name: "data", Used: 1000, OnNode: true}, {Name: "mem", Used: 500, InMemory: true}}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	first, err := p.Summary(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Pods) != 1 {
		t.Fatalf("%d pods; the older sandbox must not count", len(first.Pods))
	}
	got := first.Pods[0]
	logBytes := *got.Containers[0].Logs.UsedBytes
	if logBytes < 8192 {
		t.Errorf("logs use %d bytes", logBytes)
	}
	if want := 100 + 1000 + logBytes; *got.EphemeralStorage.UsedBytes != want {
		t.Errorf("ephemeral storage %d, want %d: layer, logs and volumes on the node, not those in memory", *got.EphemeralStorage.UsedBytes, want)
	}
	if *got.Memory.WorkingSetBytes != 12 || *got.Memory.AvailableBytes != 88 || *got.Containers[0].Memory.WorkingSetBytes != 11 || *got.Network.RxBytes != 7 || len(got.VolumeStats) != 2 {
		t.Errorf("pod %+v", got)
	}
	if *first.Node.Memory.AvailableBytes != 960 || first.Node.SystemContainers[0].Name != statsapi.SystemContainerPods || *first.Node.Runtime.ImageFs.UsedBytes != 5 {
		t.Errorf("node %+v", first.Node)
	}
	if got.CPU.UsageNanoCores != nil {
		t.Error("a rate out of one reading")
	}

	m.at, m.nanos = m.at.Add(2*time.Second), 2e9
	clock.Step(2 * time.Second)
	second, err := p.Summary(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if rates := fmt.Sprint(*second.Node.CPU.UsageNanoCores, *second.Pods[0].CPU.UsageNanoCores, *second.Pods[0].Containers[0].CPU.UsageNanoCores); rates != "500000000 500000000 500000000" {
		t.Errorf("rates %s, want half a core", rates)
	}
	if m.walks != 1 {
		t.Errorf("volumes were walked %d times within a minute", m.walks)
	}
	only, err := p.Summary(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if only.Node.Fs != nil || only.Pods[0].EphemeralStorage != nil || only.Pods[0].Network != nil || only.Pods[0].CPU == nil {
		t.Errorf("only CPU and memory were asked for: %+v", only.Pods[0])
	}
}

func TestReadMachine(t *testing.T) {
	m, err := ReadMachine()
	if err != nil {
		t.Fatal(err)
	}
	if m.Cores < 1 || m.Memory < 1<<20 || m.Kernel == "" || m.BootID == "" || m.OS != "linux" {
		t.Errorf("%+v", m)
	}
}
