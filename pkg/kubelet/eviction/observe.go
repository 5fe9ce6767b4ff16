package eviction

import (
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"tiphys.dev/tiphys/pkg/kubelet/evictplan"
)

// Observe reads the signals from a summary. What was not measured is left out.
func Observe(s *statsapi.Summary) evictplan.Observation {
	out := evictplan.Observation{}
	put := func(signal evictplan.Signal, available, capacity *uint64) {
		if available != nil && capacity != nil && *capacity > 0 {
			out[signal] = evictplan.Amount{Available: int64(*available), Capacity: int64(*capacity)}
		}
	}
	if m := s.Node.Memory; m != nil && m.AvailableBytes != nil && m.WorkingSetBytes != nil {
		total := *m.AvailableBytes + *m.WorkingSetBytes
		put(evictplan.MemoryAvailable, m.AvailableBytes, &total)
	}
	fs := func(bytes, inodes evictplan.Signal, f *statsapi.FsStats) {
		if f != nil {
			put(bytes, f.AvailableBytes, f.CapacityBytes)
			put(inodes, f.InodesFree, f.Inodes)
		}
	}
	fs(evictplan.NodeFsAvailable, evictplan.NodeFsInodesFree, s.Node.Fs)
	if r := s.Node.Runtime; r != nil {
		fs(evictplan.ImageFsAvailable, evictplan.ImageFsInodesFree, r.ImageFs)
		fs(evictplan.ContainerFsAvailable, evictplan.ContainerFsInodes, r.ContainerFs)
	}
	if r := s.Node.Rlimit; r != nil && r.MaxPID != nil && r.NumOfRunningProcesses != nil {
		out[evictplan.PIDAvailable] = evictplan.Amount{Available: *r.MaxPID - *r.NumOfRunningProcesses, Capacity: *r.MaxPID}
	}
	return out
}

// usagesOf reads what each pod uses, by UID.
func usagesOf(s *statsapi.Summary) map[string]evictplan.Usage {
	out := make(map[string]evictplan.Usage, len(s.Pods))
	for i := range s.Pods {
		out[s.Pods[i].PodRef.UID] = usageOf(&s.Pods[i])
	}
	return out
}

func usageOf(p *statsapi.PodStats) evictplan.Usage {
	u := evictplan.Usage{Containers: map[string]evictplan.ContainerUsage{}, EmptyDirs: map[string]int64{}}
	number := func(n *uint64) int64 {
		if n == nil {
			return 0
		}
		return int64(*n)
	}
	if p.Memory != nil {
		u.Memory = number(p.Memory.WorkingSetBytes)
	}
	if p.ProcessStats != nil {
		u.PIDs = number(p.ProcessStats.ProcessCount)
	}
	if e := p.EphemeralStorage; e != nil {
		u.Disk, u.Inodes = number(e.UsedBytes), number(e.InodesUsed)
	}
	for i := range p.Containers {
		c := &p.Containers[i]
		var cu evictplan.ContainerUsage
		if c.Memory != nil {
			cu.Memory = number(c.Memory.WorkingSetBytes)
		}
		for _, fs := range []*statsapi.FsStats{c.Rootfs, c.Logs} {
			if fs != nil {
				cu.Disk += number(fs.UsedBytes)
			}
		}
		u.Containers[c.Name] = cu
	}
	for i := range p.VolumeStats {
		u.EmptyDirs[p.VolumeStats[i].Name] = number(p.VolumeStats[i].UsedBytes)
	}
	return u
}
