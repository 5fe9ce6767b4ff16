package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// errEnded stands for a Run that returned nil without having been told to stop.
var errEnded = errors.New("it ended without being asked to")

// Run starts the members and blocks until ctx ends or a member fails for good, and all have
// stopped. It returns the permanent error, if that is what ended it.
func (g *Group) Run(ctx context.Context) error {
	// Members do not inherit ctx's end: they are told to stop one after the other.
	base := context.WithoutCancel(ctx)
	failed := make(chan error, len(g.members))
	// All contexts exist before any member runs, so that stop finds each of them.
	contexts := make([]context.Context, len(g.members))
	for i, m := range g.members {
		contexts[i], m.cancel = context.WithCancel(base)
	}
	for i, m := range g.members {
		go func() {
			defer close(m.ended)
			if err := g.supervise(contexts[i], m); err != nil {
				failed <- fmt.Errorf("%s: %w", m.Name, err)
			}
		}()
	}
	var cause error
	select {
	case <-ctx.Done():
	case cause = <-failed:
	}
	g.stop()
	return cause
}

// supervise keeps one member running until ctx ends; it returns only permanent errors.
func (g *Group) supervise(ctx context.Context, m *member) error {
	g.onEvent(Event{Member: m.Name, Phase: Waiting})
	for _, need := range m.needs {
		select {
		case <-need.ready:
		case <-ctx.Done():
			g.onEvent(Event{Member: m.Name, Phase: Stopped})
			return nil
		}
	}
	failures := 0
	for restarts := 0; ; restarts++ {
		began := g.clock.Now()
		err := g.runOnce(ctx, m, restarts)
		switch {
		case m.OneShot && err == nil:
			g.onEvent(Event{Member: m.Name, Phase: Done, Restarts: restarts, Took: g.clock.Since(began)})
			close(m.ready)
			return nil
		case ctx.Err() != nil:
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			g.onEvent(Event{Member: m.Name, Phase: Stopped, Err: err, Restarts: restarts})
			return nil
		case err == nil:
			err = errEnded
		}
		if IsPermanent(err) {
			g.onEvent(Event{Member: m.Name, Phase: Failed, Err: err, Restarts: restarts})
			return err
		}
		if g.clock.Since(began) >= g.backoff.Reset {
			failures = 0
		}
		failures++
		delay := g.backoff.delay(failures)
		timer := g.clock.NewTimer(delay)
		g.onEvent(Event{Member: m.Name, Phase: Failed, Err: err, Restarts: restarts, Delay: delay})
		select {
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			g.onEvent(Event{Member: m.Name, Phase: Stopped, Restarts: restarts})
			return nil
		}
	}
}

// runOnce builds and runs a member once, watching for its readiness beside it. A panic of
// Build or Run becomes an error; one in a goroutine the component started cannot be caught.
func (g *Group) runOnce(ctx context.Context, m *member, restarts int) (err error) {
	began := g.clock.Now()
	g.onEvent(Event{Member: m.Name, Phase: Starting, Restarts: restarts})
	var watching sync.WaitGroup
	ended := make(chan struct{})
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		close(ended)
		watching.Wait()
	}()

	r, err := m.Build(ctx)
	if err != nil {
		return fmt.Errorf("building: %w", err)
	}
	if !m.OneShot {
		announce := func() {
			g.onEvent(Event{Member: m.Name, Phase: Ready, Restarts: restarts, Took: g.clock.Since(began)})
			select {
			case <-m.ready:
			default:
				close(m.ready)
			}
		}
		if readier, ok := r.(Readier); ok {
			watching.Go(func() {
				select {
				case <-readier.Ready():
					announce()
				case <-ended:
				}
			})
		} else {
			announce()
		}
	}
	return r.Run(ctx)
}
