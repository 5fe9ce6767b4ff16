package gcpace

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// dropProgram takes the program's text and constants out of the process. What is in use comes back at once, page by page, from the
// system's cache of the file; what only the start needed, such as the making of tables and the reading of flags, does not.
func dropProgram() error {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close()
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	for _, m := range unchanged(bufio.NewScanner(f), program) {
		// The address comes from the system, and what lies there is the program and no object of the heap.
		_, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
		if errno != 0 {
			return fmt.Errorf("giving back %x-%x: %w", m.start, m.end, errno)
		}
	}
	return nil
}

type mapping struct{ start, end uintptr }

// unchanged returns the parts of the program's file in memory that nobody can write and that are as in the file: no relocation was applied,
// no debugger has set a breakpoint.
func unchanged(smaps *bufio.Scanner, program string) []mapping {
	var out []mapping
	var current mapping
	for smaps.Scan() {
		fields := strings.Fields(smaps.Text())
		if len(fields) >= 5 && !strings.HasSuffix(fields[0], ":") {
			current = mapping{}
			// start-end perms offset dev inode path
			if len(fields) >= 6 && strings.Join(fields[5:], " ") == program && fields[1][1] == '-' {
				if _, err := fmt.Sscanf(fields[0], "%x-%x", &current.start, &current.end); err != nil {
					current = mapping{}
				}
			}
			continue
		}
		if fields[0] == "Anonymous:" && current.end != 0 {
			if fields[1] == "0" {
				out = append(out, current)
			}
			current = mapping{}
		}
	}
	return out
}
