package lifecycle

import (
	"context"
	"errors"
	"time"
)

// Runner is a component that was built: Run blocks until ctx ends or it fails, and returns only
// when all its goroutines have ended.
type Runner interface {
	Run(ctx context.Context) error
}

// Readier is a Runner that tells when it serves. The channel is closed once.
type Readier interface {
	Ready() <-chan struct{}
}

// RunnerFunc makes a Runner of a function.
type RunnerFunc func(ctx context.Context) error

// Run calls f.
func (f RunnerFunc) Run(ctx context.Context) error { return f(ctx) }

// Member describes one component of a group.
type Member struct {
	// Name is unique in the group and appears in events and errors.
	Name string
	// Needs names the members that must have been ready once before this one is built.
	Needs []string
	// Build makes a fresh Runner; it is called again for every restart. ctx ends when the
	// member is told to stop.
	Build func(ctx context.Context) (Runner, error)
	// OneShot members are done when Run returns nil; only an error makes them run again.
	OneShot bool
	// Grace is how long the members this one needs are kept running for it after it was told
	// to stop. It is waited for even when it takes longer. Zero means DefaultGrace.
	Grace time.Duration
}

// DefaultGrace is the Grace of members that name none.
const DefaultGrace = 3 * time.Second

// permanentError marks an error no restart can cure.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks err as one that a restart cannot cure: the whole group stops and returns it.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err: err}
}

// IsPermanent tells whether err, or an error it wraps, was marked by Permanent.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}
