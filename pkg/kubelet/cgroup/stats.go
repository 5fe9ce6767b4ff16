package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Usage is what a group has used.
type Usage struct {
	Time time.Time
	// CPUNanos is CPU time since the group was made.
	CPUNanos uint64
	// Memory figures in bytes. WorkingSet is what cannot be given back at once: usage without inactive file pages.
	MemoryUsage, WorkingSet, RSS uint64
	// MemoryLimit is zero when there is none.
	MemoryLimit                 uint64
	PageFaults, MajorPageFaults uint64
	SwapUsage                   uint64
	Pids                        uint64
	// Pressure is what the kernel reports of stalls; nil without PSI.
	CPUPressure, MemoryPressure, IOPressure *Pressure
}

// Pressure is one resource's stall information.
type Pressure struct{ Some, Full PressureData }

// PressureData are shares of time in percent and the total in microseconds.
type PressureData struct {
	Total                uint64
	Avg10, Avg60, Avg300 float64
}

// PodStats reads the usage of a pod's group.
func (m *Manager) PodStats(uid types.UID) (*Usage, error) {
	n, ok := m.find(uid)
	if !ok {
		return nil, fmt.Errorf("cgroup of pod %s: %w", uid, os.ErrNotExist)
	}
	return m.Stats(m.drv.path(n))
}

// Stats reads the usage of any group by its path from the hierarchy's root.
func (m *Manager) Stats(path string) (*Usage, error) {
	if m.h.version == 2 {
		return m.h.statsUnified(path)
	}
	return m.h.statsV1(path)
}

func (h *hierarchy) statsV1(path string) (*Usage, error) {
	u := &Usage{Time: time.Now()}
	var err error
	if u.CPUNanos, err = h.readUint(filepath.Join(h.dir("cpuacct", path), "cpuacct.usage")); err != nil {
		return nil, fmt.Errorf("reading cpu usage: %w", err)
	}
	memory := h.dir("memory", path)
	if u.MemoryUsage, err = h.readUint(filepath.Join(memory, "memory.usage_in_bytes")); err != nil {
		return nil, fmt.Errorf("reading memory usage: %w", err)
	}
	stat, err := h.keyed(filepath.Join(memory, "memory.stat"))
	if err != nil {
		return nil, fmt.Errorf("reading memory usage: %w", err)
	}
	u.WorkingSet = lessFloor(u.MemoryUsage, stat["total_inactive_file"])
	u.RSS, u.PageFaults, u.MajorPageFaults = stat["total_rss"], stat["total_pgfault"], stat["total_pgmajfault"]
	u.SwapUsage = stat["total_swap"]
	if limit, err := h.readUint(filepath.Join(memory, "memory.limit_in_bytes")); err == nil && limit < 1<<62 {
		u.MemoryLimit = limit
	}
	u.Pids, _ = h.readUint(filepath.Join(h.dir("pids", path), "pids.current")) // the root group has none
	return u, nil
}

func (h *hierarchy) statsUnified(path string) (*Usage, error) {
	u := &Usage{Time: time.Now()}
	dir := h.dir("", path)
	cpu, err := h.keyed(filepath.Join(dir, "cpu.stat"))
	if err != nil {
		return nil, fmt.Errorf("reading cpu usage: %w", err)
	}
	u.CPUNanos = cpu["usage_usec"] * 1000
	stat, err := h.keyed(filepath.Join(dir, "memory.stat"))
	if err != nil {
		return nil, fmt.Errorf("reading memory usage: %w", err)
	}
	// The root group has no memory.current: what its pages sum up to stands for it.
	if u.MemoryUsage, err = h.readUint(filepath.Join(dir, "memory.current")); err != nil {
		u.MemoryUsage = stat["anon"] + stat["file"]
	}
	u.WorkingSet = lessFloor(u.MemoryUsage, stat["inactive_file"])
	u.RSS, u.PageFaults, u.MajorPageFaults = stat["anon"], stat["pgfault"], stat["pgmajfault"]
	u.SwapUsage, _ = h.readUint(filepath.Join(dir, "memory.swap.current"))
	if limit, err := h.readUint(filepath.Join(dir, "memory.max")); err == nil && limit < 1<<62 {
		u.MemoryLimit = limit
	}
	u.Pids, _ = h.readUint(filepath.Join(dir, "pids.current"))
	u.CPUPressure = h.pressure(filepath.Join(dir, "cpu.pressure"))
	u.MemoryPressure = h.pressure(filepath.Join(dir, "memory.pressure"))
	u.IOPressure = h.pressure(filepath.Join(dir, "io.pressure"))
	return u, nil
}

// pressure parses lines like "some avg10=0.00 avg60=0.00 avg300=0.00 total=0".
func (h *hierarchy) pressure(file string) *Pressure {
	text, err := h.read(file)
	if err != nil {
		return nil
	}
	p := &Pressure{}
	for _, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		data := &p.Some
		if fields[0] == "full" {
			data = &p.Full
		}
		for _, field := range fields[1:] {
			key, value, _ := strings.Cut(field, "=")
			number, _ := strconv.ParseFloat(value, 64)
			switch key {
			case "avg10":
				data.Avg10 = number
			case "avg60":
				data.Avg60 = number
			case "avg300":
				data.Avg300 = number
			case "total":
				data.Total, _ = strconv.ParseUint(value, 10, 64)
			}
		}
	}
	return p
}

func lessFloor(a, b uint64) uint64 {
	if b > a {
		return 0
	}
	return a - b
}
