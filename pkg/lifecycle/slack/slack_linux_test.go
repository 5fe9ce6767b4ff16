package slack

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// of reads the slack that a child of this thread has.
func of(t *testing.T, run func(func() error) error) string {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var out []byte
	if err := run(func() (err error) {
		out, err = exec.Command("cat", "/proc/self/timerslack_ns").Output()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestSet(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the slack of other threads can be set by root only")
	}
	if err := Set(5 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := Set(usual); err != nil {
			t.Error(err)
		}
	}()
	plain := func(f func() error) error { return f() }
	for _, tc := range []struct {
		name string
		run  func(func() error) error
		want string
	}{
		{"inherited", plain, "5000000"},
		{"as usual", Usual, "50000"},
		{"the thread has its own again", plain, "5000000"},
	} {
		if got := of(t, tc.run); got != tc.want {
			t.Errorf("%s: %s ns, want %s", tc.name, got, tc.want)
		}
	}
}
