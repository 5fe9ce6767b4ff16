package stats

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/kubelet/volume"
)

// measuring carries one answer's bookkeeping.
type measuring struct {
	*Provider
	alive map[string]bool
	only  bool // CPU and memory alone
}

// Summary measures node and pods. With cpuAndMemoryOnly nothing is read from disks or networks.
func (p *Provider) Summary(ctx context.Context, cpuAndMemoryOnly bool) (*statsapi.Summary, error) {
	m := &measuring{Provider: p, alive: map[string]bool{}, only: cpuAndMemoryOnly}
	node, err := m.node(ctx)
	if err != nil {
		return nil, err
	}
	sandboxes, err := p.cfg.Runtime.ListPodSandboxStats(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the runtime for usage: %w", err)
	}
	starts, err := m.startTimes(ctx)
	if err != nil {
		return nil, err
	}
	byUID := map[types.UID]*v1.Pod{}
	for _, pod := range p.cfg.Pods() {
		byUID[pod.UID] = pod
	}
	var imageFs *statsapi.FsStats
	if node.Runtime != nil {
		imageFs = node.Runtime.ImageFs
	}
	pods, present := []statsapi.PodStats{}, map[types.UID]bool{}
	for _, sandbox := range newestOf(sandboxes) {
		uid := types.UID(sandbox.GetAttributes().GetMetadata().GetUid())
		present[uid] = true
		pods = append(pods, m.pod(ctx, sandbox, byUID[uid], starts, node.Fs, imageFs))
	}
	p.forget(m.alive, present)
	return &statsapi.Summary{Node: *node, Pods: pods}, nil
}

// newestOf keeps one sandbox per pod: a dead one may still be there beside its successor.
func newestOf(all []*runtimeapi.PodSandboxStats) []*runtimeapi.PodSandboxStats {
	best := map[string]*runtimeapi.PodSandboxStats{}
	for _, s := range all {
		meta := s.GetAttributes().GetMetadata()
		if old := best[meta.GetUid()]; old == nil || old.GetAttributes().GetMetadata().GetAttempt() < meta.GetAttempt() {
			best[meta.GetUid()] = s
		}
	}
	out := make([]*runtimeapi.PodSandboxStats, 0, len(best))
	for _, s := range best {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *runtimeapi.PodSandboxStats) int {
		return strings.Compare(a.GetAttributes().GetMetadata().GetUid(), b.GetAttributes().GetMetadata().GetUid())
	})
	return out
}

func (m *measuring) startTimes(ctx context.Context) (map[string]int64, error) {
	containers, err := m.cfg.Runtime.ListContainers(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the runtime for containers: %w", err)
	}
	out := make(map[string]int64, len(containers))
	for _, c := range containers {
		out[c.GetId()] = c.GetCreatedAt()
	}
	return out, nil
}

func (m *measuring) pod(ctx context.Context, s *runtimeapi.PodSandboxStats, pod *v1.Pod, starts map[string]int64, nodeFs, imageFs *statsapi.FsStats) statsapi.PodStats {
	meta := s.GetAttributes().GetMetadata()
	uid := types.UID(meta.GetUid())
	out := statsapi.PodStats{PodRef: statsapi.PodReference{Name: meta.GetName(), Namespace: meta.GetNamespace(), UID: meta.GetUid()}, Containers: []statsapi.ContainerStats{}}
	if pod != nil && pod.Status.StartTime != nil {
		out.StartTime = *pod.Status.StartTime
	}
	linux := s.GetLinux()
	if usage, err := m.cfg.Groups.PodStats(uid); err == nil {
		out.CPU, out.Memory, out.Swap = m.ofGroup("pod/"+meta.GetUid(), usage)
		out.ProcessStats = &statsapi.ProcessStats{ProcessCount: ptr.To(usage.Pids)}
		out.IO = ioOf(usage.Time, psi(usage.IOPressure))
	} else {
		out.CPU, out.Memory = m.cpuOf("pod/"+meta.GetUid(), linux.GetCpu()), memoryOf(linux.GetMemory())
	}
	if !m.only {
		out.Network = networkOf(linux.GetNetwork())
	}
	disk := m.diskOf(ctx, uid, pod, meta)
	var ephemeral tree
	for _, c := range linux.GetContainers() {
		stats := m.container(c, starts)
		if !m.only {
			stats.Rootfs = share(imageFs, c.GetWritableLayer())
			if t, ok := disk.logs[stats.Name]; ok && nodeFs != nil {
				stats.Logs = withUsage(nodeFs, t)
				ephemeral.bytes, ephemeral.inodes = ephemeral.bytes+t.bytes, ephemeral.inodes+t.inodes
			}
			ephemeral.bytes += c.GetWritableLayer().GetUsedBytes().GetValue()
			ephemeral.inodes += c.GetWritableLayer().GetInodesUsed().GetValue()
		}
		out.Containers = append(out.Containers, stats)
	}
	if m.only || pod == nil {
		return out
	}
	for _, v := range disk.volumes {
		out.VolumeStats = append(out.VolumeStats, volumeOf(v, disk.at, pod.Namespace))
		if v.OnNode {
			ephemeral.bytes, ephemeral.inodes = ephemeral.bytes+v.Used, ephemeral.inodes+v.InodesUsed
		}
	}
	if nodeFs != nil {
		out.EphemeralStorage = withUsage(nodeFs, ephemeral)
	}
	return out
}

func (m *measuring) container(c *runtimeapi.ContainerStats, starts map[string]int64) statsapi.ContainerStats {
	name := c.GetAttributes().GetMetadata().GetName()
	out := statsapi.ContainerStats{Name: name, CPU: m.cpuOf("container/"+c.GetAttributes().GetId(), c.GetCpu()), Memory: memoryOf(c.GetMemory())}
	if start, ok := starts[c.GetAttributes().GetId()]; ok {
		out.StartTime = metav1.NewTime(time.Unix(0, start))
	}
	if swap := c.GetSwap(); swap != nil {
		out.Swap = &statsapi.SwapStats{Time: metav1.NewTime(time.Unix(0, swap.GetTimestamp())), SwapUsageBytes: value(swap.GetSwapUsageBytes()), SwapAvailableBytes: value(swap.GetSwapAvailableBytes())}
	}
	out.IO = ioOf(time.Unix(0, c.GetIo().GetTimestamp()), criPSI(c.GetIo().GetPsi()))
	return out
}

// diskOf returns the disk usage of the pod's logs and volumes, walking at most once per DiskAge.
func (m *measuring) diskOf(ctx context.Context, uid types.UID, pod *v1.Pod, meta *runtimeapi.PodSandboxMetadata) *diskUsage {
	if m.only {
		return &diskUsage{}
	}
	now := m.cfg.Clock.Now()
	m.mu.Lock()
	have := m.disk[uid]
	m.mu.Unlock()
	if have != nil && now.Sub(have.at) < m.cfg.DiskAge {
		return have
	}
	fresh := &diskUsage{at: now, logs: map[string]tree{}}
	if pod != nil && m.cfg.Volumes != nil {
		fresh.volumes, _ = m.cfg.Volumes(ctx, pod) // what could be measured is returned beside the error
	}
	dir := filepath.Join(m.cfg.LogsDir, meta.GetNamespace()+"_"+meta.GetName()+"_"+meta.GetUid())
	for _, sub := range glob(dir + "/*") {
		if bytes, inodes, err := volume.DiskUsage(ctx, sub); err == nil {
			fresh.logs[filepath.Base(sub)] = tree{bytes, inodes}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.disk[uid] = fresh
	return fresh
}
