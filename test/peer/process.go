package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// checkEvery is how often a starting process is asked: it has no way to tell us.
const checkEvery = 50 * time.Millisecond

// stopAfter is how long a process may take to end by itself before it is killed.
const stopAfter = 20 * time.Second

// process is one child to start.
type process struct {
	name, path, log string
	args            []string
}

// child is a started process; done is closed after it was waited for.
type child struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
}

// group holds the children of one Run, in the order of their start.
type group struct {
	children []*child
	exited   chan error // one value for each child that ends
}

// start runs p with its output in p.log.
func (g *group) start(p process) error {
	log, err := os.Create(p.log)
	if err != nil {
		return err
	}
	c := &child{name: p.name, cmd: exec.Command(p.path, p.args...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = log, log
	// A killed test must not leave servers behind. The kernel sends this signal when the *thread* that forked ends, so a goroutine
	// keeps its thread from fork to wait. The own process group keeps an interrupt at the terminal from ending all at once:
	// the order of the end is ours.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error)
	go func() {
		defer log.Close()
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := c.cmd.Start(); err != nil {
			started <- fmt.Errorf("starting %s: %w", p.name, err)
			return
		}
		started <- nil
		err := c.cmd.Wait()
		close(c.done)
		g.exited <- fmt.Errorf("%s ended by itself: %w", p.name, errors.Join(errors.New(c.cmd.ProcessState.String()), err))
	}()
	if err := <-started; err != nil {
		return err
	}
	g.children = append(g.children, c)
	return nil
}

// wait asks healthy until it agrees, a child ends or ctx does.
func (g *group) wait(ctx context.Context, healthy func(context.Context) error) error {
	if healthy == nil {
		return nil
	}
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		err := healthy(ctx)
		if err == nil {
			return nil
		}
		select {
		case ended := <-g.exited:
			return ended
		case <-ctx.Done():
			return fmt.Errorf("not healthy in time: %w", err)
		case <-tick.C:
		}
	}
}

// stop ends the children in reverse order and reports those that had to be killed.
func (g *group) stop() error {
	var errs []error
	for i := len(g.children) - 1; i >= 0; i-- {
		c := g.children[i]
		// An already ended child is no error here: Run has reported it.
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-c.done:
		case <-time.After(stopAfter):
			errs = append(errs, fmt.Errorf("%s did not end within %s and was killed", c.name, stopAfter))
			_ = c.cmd.Process.Kill()
			<-c.done
		}
	}
	return errors.Join(errs...)
}
