package peer

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// checkEvery is how often a starting process is asked: it has no way to tell us.
const checkEvery = 50 * time.Millisecond

// stopAfter is how long a process may take to end by itself before it is killed.
const stopAfter = 20 * time.Second

// group holds the children of one Run, in the order of their start.
type group struct {
	children []*Process
	exited   chan error // one value for each child that ends
}

// start runs a program with its output in a file.
func (g *group) start(name, path, log string, args []string) error {
	p, err := Begin(exec.Command(path, args...), log)
	if err != nil {
		return err
	}
	g.children = append(g.children, p)
	go func() {
		<-p.Done()
		g.exited <- fmt.Errorf("%s ended by itself: %s", name, p.Cmd.ProcessState)
	}()
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
		// An already ended child is no error here: Run has reported it.
		errs = append(errs, g.children[i].End(stopAfter))
	}
	return errors.Join(errs...)
}
