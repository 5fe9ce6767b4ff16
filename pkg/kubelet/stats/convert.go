package stats

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/kubelet/cgroup"
	"tiphys.dev/tiphys/pkg/kubelet/volume"
)

func value(v *runtimeapi.UInt64Value) *uint64 {
	if v == nil {
		return nil
	}
	return ptr.To(v.GetValue())
}

func stamp(nanos int64) metav1.Time { return metav1.NewTime(time.Unix(0, nanos)) }

func (m *measuring) cpuOf(key string, c *runtimeapi.CpuUsage) *statsapi.CPUStats {
	if c == nil {
		return nil
	}
	m.alive[key] = true
	out := &statsapi.CPUStats{Time: stamp(c.GetTimestamp()), UsageCoreNanoSeconds: value(c.GetUsageCoreNanoSeconds()), UsageNanoCores: value(c.GetUsageNanoCores()), PSI: criPSI(c.GetPsi())}
	if out.UsageCoreNanoSeconds != nil {
		if rate := m.rate(key, out.Time.Time, *out.UsageCoreNanoSeconds); rate != nil {
			out.UsageNanoCores = rate
		}
	}
	return out
}

func memoryOf(c *runtimeapi.MemoryUsage) *statsapi.MemoryStats {
	if c == nil {
		return nil
	}
	return &statsapi.MemoryStats{Time: stamp(c.GetTimestamp()), AvailableBytes: value(c.GetAvailableBytes()), UsageBytes: value(c.GetUsageBytes()),
		WorkingSetBytes: value(c.GetWorkingSetBytes()), RSSBytes: value(c.GetRssBytes()), PageFaults: value(c.GetPageFaults()),
		MajorPageFaults: value(c.GetMajorPageFaults()), PSI: criPSI(c.GetPsi())}
}

// ofGroup turns what a cgroup says into the API's shape.
func (m *measuring) ofGroup(key string, u *cgroup.Usage) (*statsapi.CPUStats, *statsapi.MemoryStats, *statsapi.SwapStats) {
	m.alive[key] = true
	at := metav1.NewTime(u.Time)
	cpu := &statsapi.CPUStats{Time: at, UsageCoreNanoSeconds: ptr.To(u.CPUNanos), UsageNanoCores: m.rate(key, u.Time, u.CPUNanos), PSI: psi(u.CPUPressure)}
	memory := &statsapi.MemoryStats{Time: at, UsageBytes: ptr.To(u.MemoryUsage), WorkingSetBytes: ptr.To(u.WorkingSet), RSSBytes: ptr.To(u.RSS),
		PageFaults: ptr.To(u.PageFaults), MajorPageFaults: ptr.To(u.MajorPageFaults), PSI: psi(u.MemoryPressure)}
	if u.MemoryLimit > 0 {
		memory.AvailableBytes = ptr.To(u.MemoryLimit - min(u.WorkingSet, u.MemoryLimit))
	}
	return cpu, memory, &statsapi.SwapStats{Time: at, SwapUsageBytes: ptr.To(u.SwapUsage)}
}

func psi(p *cgroup.Pressure) *statsapi.PSIStats {
	if p == nil {
		return nil
	}
	data := func(d cgroup.PressureData) statsapi.PSIData {
		return statsapi.PSIData{Total: d.Total, Avg10: d.Avg10, Avg60: d.Avg60, Avg300: d.Avg300}
	}
	return &statsapi.PSIStats{Full: data(p.Full), Some: data(p.Some)}
}

func criPSI(p *runtimeapi.PsiStats) *statsapi.PSIStats {
	if p == nil {
		return nil
	}
	data := func(d *runtimeapi.PsiData) statsapi.PSIData {
		return statsapi.PSIData{Total: d.GetTotal(), Avg10: d.GetAvg10(), Avg60: d.GetAvg60(), Avg300: d.GetAvg300()}
	}
	return &statsapi.PSIStats{Full: data(p.GetFull()), Some: data(p.GetSome())}
}

func ioOf(at time.Time, p *statsapi.PSIStats) *statsapi.IOStats {
	if p == nil {
		return nil
	}
	return &statsapi.IOStats{Time: metav1.NewTime(at), PSI: p}
}

func networkOf(n *runtimeapi.NetworkUsage) *statsapi.NetworkStats {
	if n == nil {
		return nil
	}
	one := func(i *runtimeapi.NetworkInterfaceUsage) statsapi.InterfaceStats {
		return statsapi.InterfaceStats{Name: i.GetName(), RxBytes: value(i.GetRxBytes()), RxErrors: value(i.GetRxErrors()), TxBytes: value(i.GetTxBytes()), TxErrors: value(i.GetTxErrors())}
	}
	out := &statsapi.NetworkStats{Time: stamp(n.GetTimestamp())}
	if d := n.GetDefaultInterface(); d != nil {
		out.InterfaceStats = one(d)
		out.Interfaces = append(out.Interfaces, out.InterfaceStats)
	}
	for _, i := range n.GetInterfaces() {
		out.Interfaces = append(out.Interfaces, one(i))
	}
	return out
}

// share is the file system with one user's part.
func share(fs *statsapi.FsStats, u *runtimeapi.FilesystemUsage) *statsapi.FsStats {
	if u == nil {
		return nil
	}
	out := &statsapi.FsStats{Time: stamp(u.GetTimestamp()), UsedBytes: value(u.GetUsedBytes()), InodesUsed: value(u.GetInodesUsed())}
	if fs != nil {
		out.AvailableBytes, out.CapacityBytes, out.Inodes, out.InodesFree = fs.AvailableBytes, fs.CapacityBytes, fs.Inodes, fs.InodesFree
	}
	return out
}

func withUsage(fs *statsapi.FsStats, t tree) *statsapi.FsStats {
	out := *fs
	out.UsedBytes, out.InodesUsed = ptr.To(t.bytes), ptr.To(t.inodes)
	return &out
}

func volumeOf(v volume.Usage, at time.Time, namespace string) statsapi.VolumeStats {
	out := statsapi.VolumeStats{Name: v.Name, FsStats: statsapi.FsStats{Time: metav1.NewTime(at), AvailableBytes: ptr.To(v.Available), CapacityBytes: ptr.To(v.Capacity),
		UsedBytes: ptr.To(v.Used), Inodes: ptr.To(v.Inodes), InodesFree: ptr.To(v.InodesFree), InodesUsed: ptr.To(v.InodesUsed)}}
	if v.Claim != "" {
		out.PVCRef = &statsapi.PVCReference{Name: v.Claim, Namespace: namespace}
	}
	return out
}
