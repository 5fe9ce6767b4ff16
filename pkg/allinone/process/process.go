package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/lifecycle/slack"
)

// Config describes the program.
type Config struct {
	// Name appears in errors and before each line of output.
	Name string
	// Path of the binary, and its arguments without the name.
	Path string
	Args []string
	// Env is added to our own environment.
	Env []string
	// Output takes what the program prints; os.Stderr when nil.
	Output io.Writer
	// Probe returns nil when the program serves. Nil means: ready when started.
	Probe func(ctx context.Context) error
	// Every is the time between probes; 100 ms when zero.
	Every time.Duration
	// Grace is the time between SIGTERM and SIGKILL; 5 s when zero.
	Grace time.Duration
	// Clock is the real one unless a test says otherwise.
	Clock clock.Clock
}

// Process runs the program once.
type Process struct {
	cfg   Config
	ready chan struct{}
}

// New checks that the program can be started.
func New(cfg Config) (*Process, error) {
	info, err := os.Stat(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Name, err)
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return nil, fmt.Errorf("%s: %s is not a program", cfg.Name, cfg.Path)
	}
	if cfg.Output == nil {
		cfg.Output = os.Stderr
	}
	if cfg.Every == 0 {
		cfg.Every = 100 * time.Millisecond
	}
	if cfg.Grace == 0 {
		cfg.Grace = 5 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	return &Process{cfg: cfg, ready: make(chan struct{})}, nil
}

// Ready is closed when the program serves.
func (p *Process) Ready() <-chan struct{} { return p.ready }

// Run starts the program and blocks until it has ended. When ctx ends it gets SIGTERM, and
// SIGKILL after the grace.
func (p *Process) Run(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	lines := newLineWriter(p.cfg.Output, p.cfg.Name)
	defer lines.flush()
	cmd := exec.Command(p.cfg.Path, p.cfg.Args...)
	cmd.Env = append(os.Environ(), p.cfg.Env...)
	cmd.Stdout, cmd.Stderr = lines, lines
	// Grandchildren (shims) may keep the output open after the program's end: do not wait for them.
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	started, exited := make(chan error, 1), make(chan error, 1)
	go func() {
		// The kernel sends PDEATHSIG when the starting *thread* ends: keep it until the child has.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := slack.Usual(cmd.Start)
		started <- err
		if err == nil {
			exited <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting %s: %w", p.cfg.Name, err)
	}
	probing, stopProbing := context.WithCancel(ctx)
	var probe sync.WaitGroup
	probe.Go(func() { p.probe(probing) })
	defer func() { stopProbing(); probe.Wait() }()

	select {
	case err := <-exited:
		return p.ended(err)
	case <-ctx.Done():
	}
	// The program may have ended meanwhile; then there is nobody to signal and Wait has the result.
	_ = cmd.Process.Signal(syscall.SIGTERM)
	grace := p.cfg.Clock.NewTimer(p.cfg.Grace)
	defer grace.Stop()
	select {
	case <-exited:
		return ctx.Err()
	case <-grace.C():
	}
	_ = cmd.Process.Kill()
	<-exited
	return fmt.Errorf("%s did not stop within %v and was killed", p.cfg.Name, p.cfg.Grace)
}

// ended words the end of a program that was not asked to end.
func (p *Process) ended(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return fmt.Errorf("%s ended with exit code 0", p.cfg.Name)
	case errors.As(err, &exit):
		return fmt.Errorf("%s ended: %s (its last words are in the log)", p.cfg.Name, exit.ProcessState)
	}
	return fmt.Errorf("%s: %w", p.cfg.Name, err)
}

// probe asks until the program serves or ctx ends.
func (p *Process) probe(ctx context.Context) {
	if p.cfg.Probe == nil {
		close(p.ready)
		return
	}
	for {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := p.cfg.Probe(attempt)
		cancel()
		if err == nil {
			close(p.ready)
			return
		}
		timer := p.cfg.Clock.NewTimer(p.cfg.Every)
		select {
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}
