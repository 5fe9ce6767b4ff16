package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startPause compiles pause and runs it as process 1 of a PID namespace, as in a pod that shares one.
func startPause(t *testing.T) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making a PID namespace needs root")
	}
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler")
	}
	program := filepath.Join(t.TempDir(), "pause")
	if err := compilePause(t.Context(), builder{source: "."}, program); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 4096 {
		t.Errorf("pause has %d bytes, want at most a page", info.Size())
	}
	cmd := exec.Command(program)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Already ended in the test of that.
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func TestPauseReapsOrphans(t *testing.T) {
	cmd := startPause(t)
	pid := strconv.Itoa(cmd.Process.Pid)
	// Each inner shell leaves a child behind that then ends: an orphan of process 1.
	script := "for i in 1 2 3 4 5; do sh -c 'sleep 0.05 &'; done"
	if out, err := exec.Command("nsenter", "--target", pid, "--pid", "sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("making orphans: %v\n%s", err, out)
	}
	children := filepath.Join("/proc", pid, "task", pid, "children")
	deadline := time.Now().Add(10 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		left, err := os.ReadFile(children)
		if err != nil {
			t.Skipf("this kernel does not list children: %v", err)
		}
		if strings.TrimSpace(string(left)) == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("children %s were not waited for", left)
		}
	}
}

func TestPauseEndsOnSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			cmd := startPause(t)
			waitUntilAsleep(t, cmd.Process.Pid)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			select {
			case err := <-done:
				var exit *exec.ExitError
				if errors.As(err, &exit) || cmd.ProcessState.ExitCode() != 0 {
					t.Errorf("ended with %v, want 0", cmd.ProcessState)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("still running")
			}
		})
	}
}

// waitUntilAsleep waits until pause waits for signals: before it has blocked them, the kernel drops them, as for any process 1.
func waitUntilAsleep(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); time.Now().Before(deadline); <-tick.C {
		status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(status), "State:\tS") {
			return
		}
	}
	t.Fatal("never waited for signals")
}
