package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/proxy/config"
	"tiphys.dev/tiphys/pkg/proxy/conntrack"
	"tiphys.dev/tiphys/pkg/proxy/healthcheck"
	"tiphys.dev/tiphys/pkg/proxy/nftables"
	"tiphys.dev/tiphys/pkg/proxy/services"
)

// Proxy programs the services of one node.
type Proxy struct {
	cfg     Config
	nodeIPs []netip.Addr
	period  time.Duration
	budget  budget

	informers struct{ services, slices, nodes, cidrs cache.SharedIndexInformer }

	tables        []*table
	tracker       *services.Tracker
	health        *healthcheck.Proxy
	serviceHealth *healthcheck.Services
	metrics       *proxyMetrics

	signal    chan struct{} // holds one token when something changed
	ready     chan struct{} // closed after the first complete pass
	readyOnce sync.Once
}

// table is one family's part.
type table struct {
	family services.Family
	opts   nftables.Options
	nft    *nftables.Table
	// recheck asks for all UDP entries after a failure, as what changed meanwhile is not known.
	recheck bool
}

// New checks the configuration and the host's abilities.
func New(cfg Config) (*Proxy, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("kube-proxy: %w", err)
	}
	cfg.setDefaults()
	c := cfg.Configuration
	nodeIPs := cfg.NodeIPs
	// A bind address that is a real one says which of the node's addresses is the primary.
	if a, err := netip.ParseAddr(c.BindAddress); err == nil && !a.IsUnspecified() {
		nodeIPs = append([]netip.Addr{a.Unmap()}, nodeIPs...)
	}
	period, minPeriod, _, _ := config.Sync(c)
	p := &Proxy{
		cfg: cfg, nodeIPs: nodeIPs, period: period, budget: budget{period: minPeriod},
		tracker: services.NewTracker(initialNode(cfg.NodeName, nodeIPs), cfg.Clock.Now()),
		signal:  make(chan struct{}, 1),
		ready:   make(chan struct{}),
	}
	// An informer runs with its factory only when it was asked for before the factory starts.
	p.informers.services = cfg.Services.Informer()
	p.informers.slices = cfg.EndpointSlices.Informer()
	p.informers.nodes = cfg.Nodes.Informer()
	if cfg.ServiceCIDRs != nil {
		p.informers.cidrs = cfg.ServiceCIDRs.Informer()
	}
	if err := p.openTables(); err != nil {
		return nil, err
	}
	var families []services.Family
	for _, t := range p.tables {
		families = append(families, t.family)
	}
	p.metrics = newMetrics(p.tracker)
	p.health = healthcheck.NewProxy(cfg.Clock, 2*period, families, p.metrics.answered)
	p.serviceHealth = healthcheck.NewServices(cfg.Listen, p.healthCheckHosts, p.health.Healthy)
	return p, nil
}

// openTables opens the table of each family. A host without one family has services in the other.
func (p *Proxy) openTables() error {
	var errs []error
	for _, f := range services.Families {
		nft, err := p.cfg.NFTables(f)
		if err != nil {
			errs = append(errs, fmt.Errorf("nftables for %s: %w", f, err))
			continue
		}
		opts := options(p.cfg.Configuration, f)
		p.tables = append(p.tables, &table{family: f, opts: opts, nft: nftables.NewTable(opts, nft, p.cfg.Clock.Now)})
	}
	if len(p.tables) == 0 {
		return fmt.Errorf("kube-proxy needs nftables (package nftables, a kernel with nf_tables, root): %w", errors.Join(errs...))
	}
	return nil
}

// Metrics is the proxy's registry.
func (p *Proxy) Metrics() metrics.KubeRegistry { return p.metrics.registry }

// Ready is closed when the services that existed at the start are in the kernel.
func (p *Proxy) Ready() <-chan struct{} { return p.ready }

// Run programs services until ctx ends. The rules stay.
func (p *Proxy) Run(ctx context.Context) error {
	logger := klog.FromContext(ctx).WithName("kube-proxy")
	ctx = klog.NewContext(ctx, logger)
	if m := p.cfg.Configuration.Mode; m != config.ModeNFTables {
		logger.Info("Services are programmed with nftables, whatever the mode; its settings are taken from the mode's section", "mode", m)
	}
	for _, t := range p.tables {
		logger.V(1).Info("Programming", "family", t.family, "masqueradeMark", t.opts.MasqueradeMark, "localTraffic", t.opts.LocalTraffic)
	}
	if p.cfg.SysctlRoot != "" {
		if err := conntrack.Sysctls(p.cfg.SysctlRoot, &p.cfg.Configuration.Conntrack); err != nil {
			// In a network namespace some belong to the host, and services work without.
			logger.Info("Some conntrack settings were left as they are", "reason", err.Error())
		}
	}

	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer p.serviceHealth.Close()
	defer cancel()
	failed := make(chan error, 2)
	group.Go(func() { failed <- p.serveHealthz(ctx) })
	group.Go(func() { failed <- p.serveMetrics(ctx) })

	regs, stop, err := p.watch()
	if err != nil {
		return err
	}
	defer stop()
	for _, r := range regs {
		if r.required && !cache.WaitForCacheSync(ctx.Done(), r.handle.HasSynced) {
			return nil // ctx ended
		}
	}
	return p.loop(ctx, failed)
}

// changed notes that there is something to do.
func (p *Proxy) changed() {
	for _, t := range p.tables {
		p.health.Queued(t.family)
		p.metrics.queued(t.family, p.cfg.Clock.Now())
	}
	select {
	case p.signal <- struct{}{}:
	default:
	}
}
