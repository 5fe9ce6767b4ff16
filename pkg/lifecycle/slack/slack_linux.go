package slack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// usual is what Linux gives a process that asks for nothing.
const usual = 50 * time.Microsecond

// Set lets every thread of this process be woken up to d late; threads that come later inherit it. Writing to
// other threads takes CAP_SYS_NICE.
func Set(d time.Duration) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("the threads of this process: %w", err)
	}
	var errs []error
	for _, t := range threads {
		// Only folders of /proc itself have the file, and a thread has one there, too.
		err := os.WriteFile(filepath.Join("/proc", t.Name(), "timerslack_ns"), strconv.AppendInt(nil, d.Nanoseconds(), 10), 0)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Usual runs start with the slack of an ordinary process. The caller has locked its goroutine to its thread.
func Usual(start func() error) error {
	before, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return fmt.Errorf("reading the timer slack: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(usual.Nanoseconds()), 0, 0, 0); err != nil {
		return fmt.Errorf("setting the timer slack: %w", err)
	}
	return errors.Join(start(), unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(before), 0, 0, 0))
}
