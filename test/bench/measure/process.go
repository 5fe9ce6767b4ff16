// Package measure reads what processes cost from /proc, and sums up durations.
package measure

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// clockTick is USER_HZ, which Linux fixes at 100 for what it shows.
const clockTick = 10 * time.Millisecond

// Usage is what a process has used so far, with its ended children.
type Usage struct {
	CPU time.Duration
	// RSS and Peak are resident memory in bytes, now and at most; Anonymous is what of RSS is not the content of a file.
	RSS, Peak, Anonymous int64
}

// Add sums two usages.
func (u Usage) Add(v Usage) Usage {
	return Usage{u.CPU + v.CPU, u.RSS + v.RSS, u.Peak + v.Peak, u.Anonymous + v.Anonymous}
}

// Process reads one process.
func Process(pid int) (Usage, error) {
	var u Usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	// The name in parentheses may contain anything, also parentheses.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, i := range []int{11, 12, 13, 14} { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return u, fmt.Errorf("reading CPU time of %d: %w", pid, err)
		}
		u.CPU += time.Duration(n) * clockTick
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		into, wanted := map[string]*int64{"VmRSS": &u.RSS, "VmHWM": &u.Peak, "RssAnon": &u.Anonymous}[name]
		if !wanted {
			continue
		}
		kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		if err != nil {
			return u, fmt.Errorf("reading memory of %d: %w", pid, err)
		}
		*into = kb << 10
	}
	return u, nil
}

// ResetPeak makes what a process uses now its peak so far.
func ResetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

// Children finds the living children of a process by their names (the end of their executable's path as started).
func Children(parent int) (map[string]int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		ppid, cmdline, err := parentOf(pid)
		if err == nil && ppid == parent && cmdline != "" {
			out[filepath.Base(cmdline)] = pid
		}
	}
	return out, nil
}

// Tree returns a process and all below it.
func Tree(root int) ([]int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if ppid, _, err := parentOf(pid); err == nil {
			children[ppid] = append(children[ppid], pid)
		}
	}
	out := []int{root}
	for i := 0; i < len(out); i++ {
		out = append(out, children[out[i]]...)
	}
	return out, nil
}

func parentOf(pid int) (ppid int, arg0 string, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	ppid, err = strconv.Atoi(fields[1])
	if err != nil {
		return 0, "", err
	}
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return 0, "", err
	}
	arg0, _, _ = strings.Cut(string(cmdline), "\x00")
	return ppid, arg0, nil
}

// Sum reads several processes. One that has ended meanwhile counts nothing.
func Sum(pids []int) (Usage, error) {
	var total Usage
	for _, pid := range pids {
		u, err := Process(pid)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return total, err
		}
		total = total.Add(u)
	}
	return total, nil
}

// Quantile returns the q-quantile of durations; 0 for none.
func Quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(d))
	return s[min(len(s)-1, int(q*float64(len(s))))]
}

// Median of numbers; 0 for none.
func Median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(v))[len(v)/2]
}
