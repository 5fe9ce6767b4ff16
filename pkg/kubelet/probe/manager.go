package probe

import (
	"context"
	"errors"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-base/metrics"
	"k8s.io/utils/clock"
)

// Manager probes the containers of this node. It is safe for concurrent use.
type Manager struct {
	cfg     Config
	began   time.Time
	results chan Result
	total   *metrics.CounterVec
	seconds *metrics.HistogramVec

	base   context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu   sync.Mutex
	pods map[types.UID]map[string]*instance
}

// instance is one run of one container. Its fields are guarded by Manager.mu, except the channel.
type instance struct {
	id       string
	stop     map[Type]context.CancelFunc
	outcomes map[Type]Outcome
	// started is closed when the startup probe has succeeded, or at once without one.
	started chan struct{}
	open    bool
}

// New builds a Manager. Run must follow for workers to end.
func New(cfg Config) (*Manager, error) {
	if cfg.Exec == nil || cfg.Recorder == nil {
		return nil, errors.New("probe: Exec and Recorder are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	m := &Manager{cfg: cfg, began: cfg.Clock.Now(), results: make(chan Result, 256), pods: map[types.UID]map[string]*instance{}}
	m.base, m.cancel = context.WithCancel(context.Background())
	m.total = metrics.NewCounterVec(&metrics.CounterOpts{Subsystem: "prober", Name: "probe_total",
		Help:           "Cumulative number of a liveness, readiness or startup probe for a container by result.",
		StabilityLevel: metrics.BETA}, []string{"probe_type", "result", "container", "pod", "namespace", "pod_uid"})
	m.seconds = metrics.NewHistogramVec(&metrics.HistogramOpts{Subsystem: "prober", Name: "probe_duration_seconds",
		Help: "Duration in seconds for a probe response.", StabilityLevel: metrics.ALPHA}, []string{"probe_type", "container", "pod", "namespace"})
	if cfg.Registry != nil {
		cfg.Registry.MustRegister(m.total, m.seconds)
	}
	return m, nil
}

// Run waits for ctx and then for all workers.
func (m *Manager) Run(ctx context.Context) error {
	<-ctx.Done()
	m.mu.Lock()
	m.cancel()
	m.mu.Unlock()
	m.group.Wait()
	return nil
}

// Results delivers every change of an outcome. It must be read.
func (m *Manager) Results() <-chan Result { return m.results }

// Track says which containers of the pod run. Call it whenever that, or the pod's address, changed.
func (m *Manager) Track(pod *v1.Pod, podIP string, containers []Container) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.base.Err() != nil {
		return
	}
	for _, c := range containers {
		spec := specOf(pod, c.Name)
		if spec == nil || !probed(spec) {
			continue
		}
		old := m.pods[pod.UID][c.Name]
		if old != nil && (old.id != c.ID || !c.Running) {
			for _, stop := range old.stop {
				stop()
			}
			if !c.Running {
				old.stop = nil
				continue // keeps its last outcomes: they belong to this ID only
			}
			old = nil
		}
		if c.Running && old == nil {
			m.begin(pod, podIP, spec, c)
		}
	}
}

// begin starts the workers of a container that runs since c.StartedAt.
func (m *Manager) begin(pod *v1.Pod, podIP string, spec *v1.Container, c Container) {
	in := &instance{id: c.ID, stop: map[Type]context.CancelFunc{}, outcomes: map[Type]Outcome{}, started: make(chan struct{})}
	in.outcomes[Readiness], in.outcomes[Liveness] = Failure, Success
	if before := statusOf(pod, c.Name); before != nil && before.ContainerID == c.ID && c.StartedAt.Before(m.began) {
		if before.Ready {
			in.outcomes[Readiness] = Success
		}
		if before.Started != nil && *before.Started {
			in.outcomes[Startup] = Success
		}
	}
	if spec.StartupProbe == nil || in.outcomes[Startup] == Success {
		in.open = true
		close(in.started)
	}
	if m.pods[pod.UID] == nil {
		m.pods[pod.UID] = map[string]*instance{}
	}
	m.pods[pod.UID][c.Name] = in
	for _, t := range []Type{Startup, Readiness, Liveness} {
		if probeOf(spec, t) == nil || t == Startup && in.open {
			continue
		}
		if t != Readiness && pod.DeletionTimestamp != nil {
			continue // a pod that goes is not restarted any more
		}
		ctx, cancel := context.WithCancel(m.base)
		in.stop[t] = cancel
		w := &worker{m: m, pod: pod, podIP: podIP, spec: spec, probe: withDefaults(probeOf(spec, t)), kind: t, container: c, in: in, last: in.outcomes[t]}
		m.group.Go(func() {
			defer cancel()
			w.run(ctx)
		})
	}
}

// withDefaults fills what the API server would have; a static pod may come without.
func withDefaults(p *v1.Probe) *v1.Probe {
	out := p.DeepCopy()
	out.TimeoutSeconds = max(out.TimeoutSeconds, 1)
	if out.PeriodSeconds == 0 {
		out.PeriodSeconds = 10
	}
	out.SuccessThreshold = max(out.SuccessThreshold, 1)
	if out.FailureThreshold == 0 {
		out.FailureThreshold = 3
	}
	return out
}

// Stop ends probes of some kinds, all without kinds: a pod that is being terminated has no use for liveness.
func (m *Manager) Stop(uid types.UID, kinds ...Type) {
	if len(kinds) == 0 {
		kinds = []Type{Startup, Readiness, Liveness}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, in := range m.pods[uid] {
		for _, t := range kinds {
			if stop := in.stop[t]; stop != nil {
				stop()
			}
		}
	}
}

// Remove forgets the pod.
func (m *Manager) Remove(uid types.UID) {
	m.Stop(uid)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pods, uid)
}

// Get returns the outcome for one run of a container; false when nothing is known of that run.
func (m *Manager) Get(uid types.UID, container, containerID string, t Type) (Outcome, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	in := m.pods[uid][container]
	if in == nil || in.id != containerID {
		return Unknown, false
	}
	return in.outcomes[t], true
}

// report sets a new outcome and tells it, unless the container is another one by now.
func (m *Manager) report(ctx context.Context, w *worker, outcome Outcome, message string) {
	m.mu.Lock()
	if m.pods[w.pod.UID][w.spec.Name] != w.in || ctx.Err() != nil {
		m.mu.Unlock()
		return
	}
	changed := w.in.outcomes[w.kind] != outcome
	w.in.outcomes[w.kind] = outcome
	if w.kind == Startup && outcome == Success && !w.in.open {
		w.in.open = true
		close(w.in.started)
	}
	m.mu.Unlock()
	if !changed {
		return
	}
	select {
	case m.results <- Result{PodUID: w.pod.UID, Container: w.spec.Name, ContainerID: w.container.ID, Type: w.kind, Outcome: outcome, Message: message}:
	case <-ctx.Done():
	}
}

func probed(c *v1.Container) bool {
	return c.StartupProbe != nil || c.ReadinessProbe != nil || c.LivenessProbe != nil
}

func specOf(pod *v1.Pod, name string) *v1.Container {
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Name == name {
			return &pod.Spec.Containers[i]
		}
	}
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == name {
			return &pod.Spec.InitContainers[i]
		}
	}
	return nil
}

func statusOf(pod *v1.Pod, name string) *v1.ContainerStatus {
	for _, list := range [][]v1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
