package stats

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine is what does not change while the node runs.
type Machine struct {
	Cores     int
	Memory    uint64
	Swap      uint64
	HugePages map[uint64]uint64 // size in bytes -> number of pages set aside

	MachineID, SystemUUID, BootID string
	Kernel, OSImage               string
	OS, Architecture              string
}

// ReadMachine reads the machine's facts from /proc, /sys and /etc.
func ReadMachine() (Machine, error) {
	m := Machine{OS: runtime.GOOS, Architecture: runtime.GOARCH, HugePages: map[uint64]uint64{}}
	info, err := meminfo()
	if err != nil {
		return m, err
	}
	m.Memory, m.Swap = info["MemTotal"], info["SwapTotal"]
	m.Cores = onlineCPUs()
	m.MachineID = first("/etc/machine-id", "/var/lib/dbus/machine-id")
	m.SystemUUID = first("/sys/class/dmi/id/product_uuid", "/proc/device-tree/vm,uuid", "/etc/machine-id")
	m.BootID = first("/proc/sys/kernel/random/boot_id")
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return m, fmt.Errorf("asking the kernel's version: %w", err)
	}
	m.Kernel = unix.ByteSliceToString(uts.Release[:])
	m.OSImage = osImage()
	for _, dir := range glob("/sys/kernel/mm/hugepages/hugepages-*kB") {
		kb, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(dir), "hugepages-"), "kB"), 10, 64)
		if err != nil {
			continue
		}
		pages, _ := strconv.ParseUint(first(filepath.Join(dir, "nr_hugepages")), 10, 64)
		m.HugePages[kb<<10] = pages
	}
	return m, nil
}

// meminfo reads /proc/meminfo in bytes.
func meminfo() (map[string]uint64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return nil, fmt.Errorf("reading memory size: %w", err)
	}
	defer f.Close()
	out := map[string]uint64{}
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) >= 2 {
			if kb, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
				out[strings.TrimSuffix(fields[0], ":")] = kb << 10
			}
		}
	}
	return out, nil
}

// onlineCPUs counts what the kernel runs, not what this process is pinned to.
func onlineCPUs() int {
	n := 0
	for _, part := range strings.Split(first("/sys/devices/system/cpu/online"), ",") {
		low, high, ranged := strings.Cut(part, "-")
		a, err := strconv.Atoi(low)
		if err != nil {
			continue
		}
		b := a
		if ranged {
			if b, err = strconv.Atoi(high); err != nil {
				continue
			}
		}
		n += b - a + 1
	}
	if n == 0 {
		return runtime.NumCPU()
	}
	return n
}

func osImage() string {
	for _, file := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			if value, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
				return strings.Trim(value, `"'`)
			}
		}
	}
	return "Unknown"
}

// first returns the trimmed content of the first file that has any.
func first(files ...string) string {
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			if s := strings.TrimSpace(strings.TrimRight(string(data), "\x00")); s != "" {
				return s
			}
		}
	}
	return ""
}

func glob(pattern string) []string {
	out, _ := filepath.Glob(pattern) // the pattern is a constant: it cannot be malformed
	return out
}
