package proxy

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/proxy/conntrack"
	"tiphys.dev/tiphys/pkg/proxy/healthcheck"
	"tiphys.dev/tiphys/pkg/proxy/nftables"
	"tiphys.dev/tiphys/pkg/proxy/services"
)

// Waits after failures, and before a pass that only tidies up.
const (
	retryFirst = time.Second
	retryMost  = 30 * time.Second
	tidyAfter  = 2 * time.Second
)

// loop makes a pass whenever there is reason for one. failed reports servers that
// ended; the first error among them ends the loop.
func (p *Proxy) loop(ctx context.Context, failed <-chan error) error {
	logger := klog.FromContext(ctx)
	clk := p.cfg.Clock
	periodic := clk.NewTicker(p.period)
	defer periodic.Stop()
	// due fires when a pass that was put off may be made.
	due := clk.NewTimer(0)
	defer due.Stop()
	waiting := true // for due, to program changes; the first pass is made with or without services
	retry := retryFirst
	putOff := func(d time.Duration, forChanges bool) {
		due.Stop()
		due.Reset(d)
		waiting = forChanges
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			if err != nil {
				return err
			}
			continue
		case <-p.signal:
			if waiting {
				continue // that pass will take this change along
			}
			if delay := p.budget.wait(clk.Now()); delay > 0 {
				putOff(delay, true)
				continue
			}
		case <-due.C():
		case <-periodic.C():
			p.checkTables(ctx)
		}
		waiting = false
		due.Stop()
		start := clk.Now()
		err := p.pass(ctx)
		p.budget.spend(start, clk.Now())
		switch {
		case err != nil && ctx.Err() == nil:
			logger.Error(err, "Services are not up to date, will try again", "after", retry)
			putOff(retry, true)
			retry = min(2*retry, retryMost)
		case err == nil:
			retry = retryFirst
			if p.untidy() {
				putOff(tidyAfter, false)
			}
		}
	}
}

// pass brings kernel, health checks and connection tracking to the present state.
func (p *Proxy) pass(ctx context.Context) error {
	start := p.cfg.Clock.Now()
	change := p.tracker.Take()
	local, err := localAddresses()
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range p.tables {
		began := p.cfg.Clock.Now()
		res, err := t.nft.Sync(ctx, change, local)
		if err != nil {
			t.recheck = true
			p.metrics.failed(t.family)
			errs = append(errs, err)
			continue
		}
		end := p.cfg.Clock.Now()
		p.metrics.synced(t.family, res.Full, began, end)
		p.health.Updated(t.family, start)
		p.observeLatency(t.family, change, end)
		klog.FromContext(ctx).V(2).Info("Programmed", "family", t.family, "full", res.Full, "commands", res.Operations,
			"services", len(change.Services), "changed", len(change.Changed), "took", end.Sub(began))
		if err := p.cleanConntrack(t, change, local); err != nil {
			errs = append(errs, err)
		}
	}
	p.metrics.took(change)
	if err := p.serviceHealth.Set(ctx, healthChecks(change.Snapshot)); err != nil {
		// Services work all the same; the periodic pass tries again.
		klog.FromContext(ctx).Error(err, "Some health check ports are not served")
	}
	if len(errs) == 0 {
		p.readyOnce.Do(func() { close(p.ready) })
	}
	return errors.Join(errs...)
}

// cleanConntrack deletes UDP entries that the new rules would not make.
func (p *Proxy) cleanConntrack(t *table, change services.Change, local []netip.Addr) error {
	if t.recheck {
		all := change
		all.Changed, all.Before = nil, nil
		for name := range change.Services {
			all.Changed = append(all.Changed, name)
		}
		change = all
	}
	own := map[netip.Addr]bool{}
	for _, a := range local {
		own[a] = true
	}
	stale := conntrack.NewStale(t.family, change, func(a netip.Addr) bool { return own[a] })
	if !stale.Any() {
		t.recheck = false
		return nil
	}
	began := p.cfg.Clock.Now()
	n, err := conntrack.Clean(t.family, stale)
	p.metrics.cleaned(t.family, n, p.cfg.Clock.Now().Sub(began))
	t.recheck = err != nil
	return err
}

// checkTables finds out whether somebody removed a table; the pass that follows loads it again.
func (p *Proxy) checkTables(ctx context.Context) {
	for _, t := range p.tables {
		if !t.nft.Present(ctx) {
			klog.FromContext(ctx).Info("The table is not as it was left, loading it again", "family", t.family, "table", nftables.TableName)
		}
	}
}

func (p *Proxy) untidy() bool {
	for _, t := range p.tables {
		if t.nft.HasStale() {
			return true
		}
	}
	return false
}

func (p *Proxy) observeLatency(family services.Family, change services.Change, now time.Time) {
	for _, name := range change.Changed {
		if svc := change.Services[name]; svc != nil {
			for _, at := range svc.Triggered {
				p.metrics.programmed(family, now.Sub(at))
			}
		}
	}
}

func healthChecks(s *services.Snapshot) map[types.NamespacedName]healthcheck.Port {
	out := map[types.NamespacedName]healthcheck.Port{}
	for name, svc := range s.Services {
		if svc.HealthCheckNodePort != 0 {
			out[name] = healthcheck.Port{Port: svc.HealthCheckNodePort, LocalEndpoints: svc.LocalReadyEndpoints}
		}
	}
	return out
}

// healthCheckHosts are the addresses for health check node ports: those for node ports.
func (p *Proxy) healthCheckHosts() []string {
	node := p.tracker.Node()
	local, err := localAddresses()
	if err != nil {
		return []string{""}
	}
	var out []string
	for _, t := range p.tables {
		if !t.opts.NodePortPrimary && len(t.opts.NodePortAddresses) == 0 {
			return []string{""}
		}
		for _, e := range nftables.NodePortElements(&t.opts, node, local) {
			out = append(out, e.Key)
		}
	}
	return out
}
