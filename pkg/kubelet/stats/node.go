package stats

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"
)

// Node measures the node alone: what tells whether it is under pressure, without asking for every pod.
func (p *Provider) Node(ctx context.Context) (*statsapi.NodeStats, error) {
	return (&measuring{Provider: p, alive: map[string]bool{}}).node(ctx)
}

func (m *measuring) node(ctx context.Context) (*statsapi.NodeStats, error) {
	usage, err := m.cfg.Groups.Stats("/")
	if err != nil {
		return nil, fmt.Errorf("measuring the node: %w", err)
	}
	node := &statsapi.NodeStats{NodeName: m.cfg.NodeName, StartTime: metav1.NewTime(m.started)}
	node.CPU, node.Memory, node.Swap = m.ofGroup("node", usage)
	node.Memory.AvailableBytes = ptr.To(m.cfg.Machine.Memory - min(usage.WorkingSet, m.cfg.Machine.Memory))
	node.IO = ioOf(usage.Time, psi(usage.IOPressure))
	if pods, err := m.cfg.Groups.Stats(m.cfg.Groups.KubepodsPath()); err == nil {
		container := statsapi.ContainerStats{Name: statsapi.SystemContainerPods, StartTime: node.StartTime}
		container.CPU, container.Memory, container.Swap = m.ofGroup("pods", pods)
		node.SystemContainers = append(node.SystemContainers, container)
	}
	if m.only {
		return node, nil
	}
	if node.Fs, err = fileSystem(m.cfg.RootDir); err != nil {
		return nil, err
	}
	node.Rlimit = processes()
	node.Network = interfaces()
	node.Runtime = &statsapi.RuntimeStats{}
	info, err := m.cfg.Images.ImageFsInfo(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for the images' file system: %w", err)
	}
	for _, fs := range info.GetImageFilesystems() {
		if stats, err := fileSystem(fs.GetFsId().GetMountpoint()); err == nil {
			node.Runtime.ImageFs = share(stats, fs)
			break
		}
	}
	for _, fs := range info.GetContainerFilesystems() {
		if stats, err := fileSystem(fs.GetFsId().GetMountpoint()); err == nil {
			node.Runtime.ContainerFs = share(stats, fs)
			break
		}
	}
	if node.Runtime.ContainerFs == nil {
		node.Runtime.ContainerFs = node.Runtime.ImageFs
	}
	return node, nil
}

func fileSystem(dir string) (*statsapi.FsStats, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return nil, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	size := uint64(st.Bsize)
	return &statsapi.FsStats{Time: metav1.Now(), AvailableBytes: ptr.To(st.Bavail * size), CapacityBytes: ptr.To(st.Blocks * size),
		UsedBytes: ptr.To((st.Blocks - st.Bfree) * size), Inodes: ptr.To(st.Files), InodesFree: ptr.To(st.Ffree), InodesUsed: ptr.To(st.Files - st.Ffree)}, nil
}

// processes reads how many tasks there are and may be; the smaller of the kernel's two limits counts.
func processes() *statsapi.RlimitStats {
	out := &statsapi.RlimitStats{Time: metav1.Now()}
	for _, file := range []string{"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"} {
		if n, err := strconv.ParseInt(first(file), 10, 64); err == nil && (out.MaxPID == nil || n < *out.MaxPID) {
			out.MaxPID = &n
		}
	}
	if fields := strings.Fields(first("/proc/loadavg")); len(fields) >= 4 {
		if _, total, ok := strings.Cut(fields[3], "/"); ok {
			if n, err := strconv.ParseInt(total, 10, 64); err == nil {
				out.NumOfRunningProcesses = &n
			}
		}
	}
	return out
}

// interfaces reads the counters of the network this process is in.
func interfaces() *statsapi.NetworkStats {
	f, err := os.Open("/proc/net/dev")
	if err != nil {
		return nil
	}
	defer f.Close()
	route := defaultInterface()
	out := &statsapi.NetworkStats{Time: metav1.Now()}
	for s := bufio.NewScanner(f); s.Scan(); {
		name, rest, ok := strings.Cut(s.Text(), ":")
		fields := strings.Fields(rest)
		name = strings.TrimSpace(name)
		if !ok || len(fields) < 11 || name == "lo" {
			continue
		}
		number := func(i int) *uint64 {
			n, _ := strconv.ParseUint(fields[i], 10, 64)
			return &n
		}
		i := statsapi.InterfaceStats{Name: name, RxBytes: number(0), RxErrors: number(2), TxBytes: number(8), TxErrors: number(10)}
		out.Interfaces = append(out.Interfaces, i)
		if name == route {
			out.InterfaceStats = i
		}
	}
	return out
}

func defaultInterface() string {
	for _, line := range strings.Split(first("/proc/net/route"), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == "00000000" {
			return fields[0]
		}
	}
	return ""
}
