package leaderelection

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	election "k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	componentconfig "k8s.io/component-base/config"
)

// ErrLost is returned by Run when another process holds the lease or it could not be renewed in time.
var ErrLost = errors.New("leader election lost")

// Config names the lease and its timing.
type Config struct {
	// LeaderElectionConfiguration holds upstream's settings; its flags are bound by component-base's
	// config/options.BindLeaderElectionFlags. With LeaderElect false, Run calls lead at once.
	componentconfig.LeaderElectionConfiguration
	// Identity of this process in the lease. Empty means host name and a random suffix.
	Identity string
	// Client writes the lease.
	Client kubernetes.Interface
	// Events records LeaderElection events. Optional.
	Events resourcelock.EventRecorder
}

// Default returns upstream's settings for a lease of the given name in kube-system.
func Default(name string) componentconfig.LeaderElectionConfiguration {
	return componentconfig.LeaderElectionConfiguration{
		LeaderElect:       true,
		LeaseDuration:     metav1.Duration{Duration: 15 * time.Second},
		RenewDeadline:     metav1.Duration{Duration: 10 * time.Second},
		RetryPeriod:       metav1.Duration{Duration: 2 * time.Second},
		ResourceLock:      resourcelock.LeasesResourceLock,
		ResourceName:      name,
		ResourceNamespace: metav1.NamespaceSystem,
	}
}

// Elector takes part in one election.
type Elector struct {
	cfg  Config
	lock resourcelock.Interface

	mu      sync.Mutex
	current *election.LeaderElector // the running election, for Check
}

// New checks the configuration. It contacts nobody.
func New(cfg Config) (*Elector, error) {
	if !cfg.LeaderElect {
		return &Elector{cfg: cfg}, nil
	}
	if cfg.Client == nil {
		return nil, errors.New("leader election: Client is required")
	}
	if cfg.Identity == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("leader election: finding the host name: %w", err)
		}
		cfg.Identity = host + "_" + uuid.NewString()
	}
	lock, err := resourcelock.New(cfg.ResourceLock, cfg.ResourceNamespace, cfg.ResourceName,
		cfg.Client.CoreV1(), cfg.Client.CoordinationV1(),
		resourcelock.ResourceLockConfig{Identity: cfg.Identity, EventRecorder: cfg.Events})
	if err != nil {
		return nil, fmt.Errorf("leader election: %w", err)
	}
	e := &Elector{cfg: cfg, lock: lock}
	_, err = election.NewLeaderElector(e.electorConfig(func(context.Context) {})) // validates the timing
	if err != nil {
		return nil, fmt.Errorf("leader election: %w", err)
	}
	return e, nil
}

func (e *Elector) electorConfig(started func(context.Context)) election.LeaderElectionConfig {
	return election.LeaderElectionConfig{
		Lock:            e.lock,
		LeaseDuration:   e.cfg.LeaseDuration.Duration,
		RenewDeadline:   e.cfg.RenewDeadline.Duration,
		RetryPeriod:     e.cfg.RetryPeriod.Duration,
		ReleaseOnCancel: true,
		Name:            e.cfg.ResourceName,
		Callbacks: election.LeaderCallbacks{
			OnStartedLeading: started,
			OnStoppedLeading: func() {},
		},
	}
}

// Run waits for the lease, runs lead while holding it, and returns lead's error, ErrLost, or nil when ctx ended.
func (e *Elector) Run(ctx context.Context, lead func(context.Context) error) error {
	if !e.cfg.LeaderElect {
		return lead(ctx)
	}
	// The election outlives ctx until lead has ended, so that the lease is not handed on while lead still stops.
	electing, stopElecting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopElecting()

	var (
		mu      sync.Mutex
		leading bool
		lost    bool // the lease went while lead ran
		givenUp bool // ctx ended first: an election won in that very moment must not start lead any more
		leadErr error
		ended   = make(chan struct{})
	)
	elector, err := election.NewLeaderElector(e.electorConfig(func(lease context.Context) {
		defer close(ended)
		defer stopElecting()
		mu.Lock()
		leading = !givenUp
		mu.Unlock()
		if !leading {
			return
		}
		held, cancel := context.WithCancel(lease)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		leadErr = lead(held)
		// Asked before the election is stopped, which ends the lease, too.
		mu.Lock()
		defer mu.Unlock()
		lost = lease.Err() != nil && electing.Err() == nil
	}))
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	e.setCurrent(elector)
	defer e.setCurrent(nil)
	defer context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if !leading {
			givenUp = true
			stopElecting()
		}
	})()

	won := make(chan struct{})
	go func() {
		defer close(won)
		elector.Run(electing)
	}()
	<-won
	mu.Lock()
	led := leading
	mu.Unlock()
	if led || electing.Err() == nil { // OnStartedLeading runs in a goroutine of its own: with a lost lease it is at least about to start
		<-ended
	}
	mu.Lock()
	defer mu.Unlock()
	if lost && ctx.Err() == nil {
		return errors.Join(fmt.Errorf("%s: %w", e.cfg.ResourceName, ErrLost), leadErr)
	}
	return leadErr
}

func (e *Elector) setCurrent(le *election.LeaderElector) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current = le
}

// Leading tells whether this process holds the lease, or needs none.
func (e *Elector) Leading() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.cfg.LeaderElect || e.current != nil && e.current.IsLeader()
}

// Name makes the elector a health check, under upstream's name.
func (e *Elector) Name() string { return "leaderElection" }

// Check fails when this process believes to lead but could not renew for longer than the lease and 20 seconds.
func (e *Elector) Check(*http.Request) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil {
		return nil
	}
	return e.current.Check(20 * time.Second)
}
