package reconciler

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// The ways to know which servers there are.
const (
	// Lease counts the servers whose lease has not ended.
	Lease = "lease"
	// MasterCount takes as many as it is told: a server never loses its place to an empty one.
	MasterCount = "master-count"
	// None leaves the endpoints alone.
	None = "none"
)

// Config says what to publish.
type Config struct {
	Client    kubernetes.Interface
	Informers informers.SharedInformerFactory
	// Type is Lease, MasterCount or None.
	Type string
	// Count is the number of servers for MasterCount.
	Count int
	// Leases tells for Lease which servers live; nil means that this server is the only one.
	Leases Leases
	// Ready tells whether the server takes requests: before, its address is not published.
	Ready            func(context.Context) bool
	AdvertiseAddress net.IP
	SecurePort       int
	// ServiceRanges are the cluster IP ranges; the Service takes the first address of the first.
	ServiceRanges []net.IPNet
	// NodePort, when not zero, also opens the Service on the nodes.
	NodePort int
	ServerID string
	Clock    clock.Clock
}

// Leases are the living servers' signs.
type Leases interface {
	// Renew says that the server at the address lives.
	Renew(ctx context.Context, address string) error
	// List returns the addresses of the living.
	List(ctx context.Context) ([]string, error)
	// Remove takes the address out.
	Remove(ctx context.Context, address string) error
}

const (
	serviceName = "kubernetes"
	// interval is how often a server renews its lease and repairs what others changed.
	interval = 10 * time.Second
)

// Reconciler keeps the Service and its endpoints.
type Reconciler struct {
	c Config
	// one has a place for one who writes: the server may stop in the midst of publishing itself. stopped is guarded by it.
	one     chan struct{}
	stopped bool
}

// New makes a reconciler.
func New(c Config) (*Reconciler, error) {
	if c.AdvertiseAddress == nil || c.SecurePort == 0 || len(c.ServiceRanges) == 0 {
		return nil, fmt.Errorf("the address to advertise, the port and the service range must be known")
	}
	return &Reconciler{c: c, one: make(chan struct{}, 1)}, nil
}

const (
	// firstWait is after the first failure; it doubles up to the interval.
	firstWait = 100 * time.Millisecond
	// readyEvery is how often a server that starts asks itself whether it is ready, which nothing else tells.
	readyEvery = 100 * time.Millisecond
)

// Run works until ctx ends. What is left of an earlier life of this server is taken out, until it is ready again.
func (r *Reconciler) Run(ctx context.Context) {
	if err := r.forget(ctx); err != nil && ctx.Err() == nil {
		klog.V(2).InfoS("Taking this server out of the endpoints until it is ready failed", "err", err)
	}
	for r.c.Ready != nil && !r.c.Ready(ctx) {
		if !r.sleep(ctx, readyEvery) {
			return
		}
	}
	wait := firstWait
	for {
		err := r.sync(ctx)
		switch {
		case err == nil:
			wait = interval
		case ctx.Err() != nil:
			return
		default:
			klog.V(2).InfoS("Publishing the endpoints of the API servers failed, trying again", "err", err)
			wait = min(2*wait, interval)
		}
		if !r.sleep(ctx, wait) {
			return
		}
	}
}

func (r *Reconciler) sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-r.c.Clock.After(d):
		return true
	}
}

// forget takes this server's address out, if it is there.
func (r *Reconciler) forget(ctx context.Context) error {
	if r.c.Type == Lease && r.c.Leases != nil {
		living, err := r.c.Leases.List(ctx)
		if err != nil || !slices.Contains(living, r.c.AdvertiseAddress.String()) {
			return err
		}
	}
	return r.alone(ctx, func() error { return r.takeOut(ctx) })
}

// alone waits until nobody else writes.
func (r *Reconciler) alone(ctx context.Context, write func() error) error {
	select {
	case r.one <- struct{}{}:
		defer func() { <-r.one }()
		return write()
	case <-ctx.Done():
		return fmt.Errorf("waiting for the endpoints to be written: %w", ctx.Err())
	}
}

// Stop takes this server's address out of the endpoints, for good.
func (r *Reconciler) Stop(ctx context.Context) error {
	return r.alone(ctx, func() error {
		r.stopped = true
		return r.takeOut(ctx)
	})
}

func (r *Reconciler) takeOut(ctx context.Context) error {
	own := r.c.AdvertiseAddress.String()
	switch {
	case r.c.Type == MasterCount:
		return r.change(ctx, func(present []string) []string {
			return slices.DeleteFunc(present, func(a string) bool { return a == own })
		})
	case r.c.Type != Lease || r.c.Leases == nil:
		return nil
	}
	if err := r.c.Leases.Remove(ctx, own); err != nil {
		return err
	}
	return r.publish(ctx, nil, r.ports())
}

func (r *Reconciler) sync(ctx context.Context) error {
	return r.alone(ctx, func() error {
		if r.stopped {
			return nil
		}
		return r.keep(ctx)
	})
}

func (r *Reconciler) keep(ctx context.Context) error {
	if err := r.ensureService(ctx); err != nil {
		return fmt.Errorf("service %s: %w", serviceName, err)
	}
	own := r.c.AdvertiseAddress.String()
	switch r.c.Type {
	case None:
		return nil
	case MasterCount:
		return r.change(ctx, func(present []string) []string { return counted(present, own, r.c.Count) })
	}
	if r.c.Leases != nil {
		if err := r.c.Leases.Renew(ctx, own); err != nil {
			return fmt.Errorf("renewing the lease: %w", err)
		}
	}
	return r.publish(ctx, []string{own}, nil)
}
