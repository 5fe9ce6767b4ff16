package peer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Process is a child that runs, or has run. It is killed when the process that started it ends.
type Process struct {
	// Cmd has its pid and, once it has ended, its exit code.
	Cmd  *exec.Cmd
	done chan struct{}
}

// Begin starts a child whose output goes to a file, its standard output only where cmd has no other place for it.
func Begin(cmd *exec.Cmd, log string) (*Process, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	cmd.Stderr = file
	if cmd.Stdout == nil {
		cmd.Stdout = file
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// A killed test must not leave servers behind. The kernel sends this signal when the *thread* that forked ends, so a goroutine
	// keeps its thread from fork to wait. The own process group keeps an interrupt at the terminal from ending all at once:
	// the order of the end is ours.
	cmd.SysProcAttr.Pdeathsig, cmd.SysProcAttr.Setpgid = syscall.SIGKILL, true
	p := &Process{Cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.done)
		defer file.Close()
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			// How it ended is in its state.
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(cmd.Path), err)
	}
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended tells whether it has.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// End asks the process to end, kills it if it has not done so in time, which is an error, and waits for it.
func (p *Process) End(within time.Duration) error {
	if p.Ended() {
		return nil
	}
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-time.After(within):
	}
	return errors.Join(fmt.Errorf("%s did not end within %s and was killed", filepath.Base(p.Cmd.Path), within), p.Kill())
}

// Kill ends the process without a word and waits for it.
func (p *Process) Kill() error {
	if p.Ended() {
		return nil
	}
	err := p.Cmd.Process.Kill()
	<-p.done
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
