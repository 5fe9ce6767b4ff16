package gcpace

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// Room of a process that may have a machine to itself, in bytes: a share of its memory between bounds.
const (
	leastRoom = 16 << 20
	mostRoom  = 224 << 20
	roomShare = 32
)

// machineRoom is the room that suits this machine, or the cgroup of this process when that has less memory.
func machineRoom() uint64 {
	return roomOf(min(machineMemory(), cgroupMemory("/proc/self/cgroup", "/sys/fs/cgroup")))
}

func roomOf(memory uint64) uint64 { return min(max(memory/roomShare, leastRoom), mostRoom) }

// machineMemory is what the machine has; the most there can be if it does not tell.
func machineMemory() uint64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return math.MaxUint64
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}

// cgroupMemory is the least that the (unified) cgroup of a process or one above it allows; the most there can be if none has a limit.
func cgroupMemory(membership, mount string) uint64 {
	least := uint64(math.MaxUint64)
	text, err := os.ReadFile(membership)
	if err != nil {
		return least
	}
	for line := range strings.Lines(string(text)) {
		group, unified := strings.CutPrefix(strings.TrimSpace(line), "0::")
		for ; unified && group != "/" && group != "."; group = path.Dir(group) {
			limit, err := os.ReadFile(path.Join(mount, group, "memory.max"))
			if err != nil {
				continue
			}
			// A group without a limit says "max".
			if n, err := strconv.ParseUint(strings.TrimSpace(string(limit)), 10, 64); err == nil {
				least = min(least, n)
			}
		}
	}
	return least
}
