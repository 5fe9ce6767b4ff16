package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// The parts of a run: tests that share the cluster, and those that want it alone.
const (
	parallelPart = "parallel"
	serialPart   = "serial"
)

// graceful is how long an interrupted suite may clean up and write its report before it is asked again, and then killed.
const graceful = 2 * time.Minute

// suiteRunner starts ginkgo.
type suiteRunner struct {
	bin        string // directory of ginkgo, e2e.test and kubectl
	kubeconfig string
	nodes      string // --num-nodes, or empty to let the suite count
	extra      []string
	output     io.Writer
}

// run gives tests to ginkgo on procs workers and returns when it ended. A failing test is no error: the JUnit file in dir tells.
// When ctx ends the suite is interrupted, and the report of what is done is still written.
func (s suiteRunner) run(ctx context.Context, dir string, tests []Test, procs int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "e2e.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	verdicts, err := os.Create(filepath.Join(dir, progressFile))
	if err != nil {
		return err
	}
	defer verdicts.Close()
	output := io.MultiWriter(log, newProgress(verdicts, s.output, tests))
	return s.supervise(ctx, dir, output, s.args(dir, tests, procs))
}

// supervise runs ginkgo until it ends, or interrupts it when ctx does.
func (s suiteRunner) supervise(ctx context.Context, dir string, output io.Writer, args []string) error {
	cmd := exec.Command(filepath.Join(s.bin, "ginkgo"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, output, output
	// The workers are ginkgo's children: a group of their own gets the interrupt as a whole.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting ginkgo: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Exited() {
			return nil
		}
		return err
	case <-ctx.Done():
		return interrupt(cmd.Process.Pid, done)
	}
}

// interrupt asks twice, then kills; pid leads its process group.
func interrupt(pid int, done <-chan error) error {
	for range 2 {
		if err := syscall.Kill(-pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("interrupting the suite: %w", err)
		}
		select {
		case <-done:
			return nil
		case <-time.After(graceful):
		}
	}
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing the suite: %w", err)
	}
	<-done
	return errors.New("the suite did not end when interrupted and was killed: this part has no report")
}

func (s suiteRunner) args(dir string, tests []Test, procs int) []string {
	args := []string{
		"-v", "--procs=" + strconv.Itoa(procs), "--timeout=24h", "--no-color", "--silence-skips", "--poll-progress-after=0",
		"--focus=" + pattern(tests), filepath.Join(s.bin, "e2e.test"), "--",
		"--provider=skeleton", "--kubeconfig=" + s.kubeconfig, "--kubectl-path=" + filepath.Join(s.bin, "kubectl"),
		"--report-dir=" + dir, "--disable-log-dump",
	}
	if s.nodes != "" {
		args = append(args, "--num-nodes="+s.nodes)
	}
	return append(args, s.extra...)
}
