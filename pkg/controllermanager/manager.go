package controllermanager

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/controller/worker"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// Manager runs the selected controllers.
type Manager struct {
	cfg       Config
	informers informers.SharedInformerFactory
	owns      bool // the factory is ours to shut down
	queues    workqueue.MetricsProvider
	counters  *counters
	selected  []entry
	missing   []string
	ready     chan struct{}

	mu      sync.Mutex
	pending int // controllers that have not been built yet
	start   func()
}

// New checks the configuration and selects the controllers. It contacts nobody.
func New(cfg Config) (*Manager, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	m := &Manager{cfg: cfg, informers: cfg.Informers, ready: make(chan struct{})}
	var err error
	if m.queues, err = worker.NewMetrics(cfg.Metrics); err != nil {
		return nil, fmt.Errorf("controller manager: %w", err)
	}
	if m.counters, err = newCounters(cfg.Metrics); err != nil {
		return nil, fmt.Errorf("controller manager: %w", err)
	}
	if m.informers == nil {
		client, err := cfg.Clients.Kubernetes("shared-informers")
		if err != nil {
			return nil, fmt.Errorf("controller manager: client for informers: %w", err)
		}
		m.informers = informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(Transform))
		m.owns = true
	}
	for _, e := range catalog() {
		switch {
		case !enabled(e, cfg.Settings.Generic.Controllers):
		case e.build == nil:
			m.missing = append(m.missing, e.name)
		case e.needs != nil && !e.needs(&cfg):
			m.missing = append(m.missing, e.name+" (not configured)")
		default:
			m.selected = append(m.selected, e)
		}
	}
	return m, nil
}

// Transform drops from cached objects what no controller reads.
func Transform(o any) (any, error) {
	if a, err := meta.Accessor(o); err == nil {
		a.SetManagedFields(nil)
	}
	return o, nil
}

// Registry holds the metrics of the controllers.
func (m *Manager) Registry() metrics.KubeRegistry { return m.cfg.Metrics }

// Ready is closed when all controllers have been built and the informers are filled.
func (m *Manager) Ready() <-chan struct{} { return m.ready }

// Run runs the controllers until ctx is done, and returns when all have ended.
func (m *Manager) Run(ctx context.Context) error {
	logger := klog.LoggerWithName(klog.FromContext(ctx), "controller-manager")
	ctx = klog.NewContext(ctx, logger)
	if len(m.missing) > 0 {
		logger.Info("These controllers do not run: not built yet, or their configuration is missing", "controllers", m.missing)
	}
	running, stopInformers := context.WithCancel(ctx)
	defer func() {
		stopInformers()
		if m.owns {
			m.informers.Shutdown()
		}
	}()
	m.start = m.cfg.StartInformers
	if m.owns {
		m.start = func() { m.informers.StartWithContext(running) }
	}
	members := make([]lifecycle.Member, len(m.selected))
	m.pending = len(m.selected)
	for i, e := range m.selected {
		members[i] = lifecycle.Member{Name: e.name, Build: m.builder(running, e)}
	}
	group, err := lifecycle.New(lifecycle.Config{Members: members, Clock: m.cfg.Clock, OnEvent: func(ev lifecycle.Event) {
		if ev.Err != nil {
			logger.Error(ev.Err, "Controller failed, starting it again", "controller", ev.Member, "restarts", ev.Restarts)
		}
	}})
	if err != nil {
		return fmt.Errorf("controller manager: %w", err)
	}
	if err := group.Run(ctx); err != nil {
		return fmt.Errorf("controller manager: %w", err)
	}
	return nil
}

// builder builds one controller with its own client and event source. Informers that it asked for are started at once.
func (m *Manager) builder(running context.Context, e entry) func(context.Context) (lifecycle.Runner, error) {
	first := true
	return func(context.Context) (lifecycle.Runner, error) {
		d, err := m.deps(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
		c, err := e.build(d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
		m.start()
		if first {
			first = false
			m.built(running)
		}
		return lifecycle.RunnerFunc(func(ctx context.Context) error {
			defer d.events.end()
			return c.Run(ctx)
		}), nil
	}
}

// built closes ready after the last controller was built and the caches are filled.
func (m *Manager) built(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending--; m.pending > 0 {
		return
	}
	go func() {
		for _, ok := range m.informers.WaitForCacheSync(ctx.Done()) {
			if !ok {
				return
			}
		}
		close(m.ready)
	}()
}

// shared returns the informer of a resource that some controller uses anyway, so that the garbage collector does not watch it
// a second time.
func (m *Manager) shared(gvr schema.GroupVersionResource) cache.SharedIndexInformer {
	if !sharedResources[gvr] && (m.cfg.Shared == nil || !m.cfg.Shared(gvr)) {
		return nil
	}
	i, err := m.informers.ForResource(gvr)
	if err != nil {
		return nil // not a built-in resource
	}
	informer := i.Informer()
	m.start() // it may be the only user
	return informer
}
