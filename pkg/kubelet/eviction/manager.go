package eviction

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/kubelet/admit"
	"tiphys.dev/tiphys/pkg/kubelet/evictplan"
)

// Reason is what an evicted pod's status says.
const Reason = "Evicted"

// Kill ends a pod as failed with Reason, and returns when its containers have ended.
type Kill func(ctx context.Context, pod *v1.Pod, message string, graceSeconds int64, condition v1.PodCondition) error

// Config is what a Manager is built from.
type Config struct {
	Settings evictplan.Settings
	// Transition is how long a pressure is reported after it was last seen.
	Transition time.Duration
	// MaxPodGrace bounds the grace of pods evicted for soft thresholds, in seconds.
	MaxPodGrace int64
	// Period of the look; ten seconds when zero.
	Period time.Duration

	Summary func(ctx context.Context, cpuAndMemoryOnly bool) (*statsapi.Summary, error)
	// Node measures the node alone, which is much cheaper; when set, pods are measured only when it matters.
	Node func(ctx context.Context) (*statsapi.NodeStats, error)
	// Pods are those that run here.
	Pods func() []*v1.Pod
	Kill Kill
	// ReclaimContainers and ReclaimImages give back disk space without harm; may be nil.
	ReclaimContainers, ReclaimImages func(ctx context.Context) error
	// Changed is called when the pressures changed, to report them at once; may be nil.
	Changed  func()
	Recorder record.EventRecorder
	NodeRef  *v1.ObjectReference
	Clock    clock.WithTicker
}

// Manager watches one node.
type Manager struct {
	cfg        Config
	thresholds []evictplan.Threshold

	mu         sync.Mutex
	state      evictplan.State
	conditions evictplan.Conditions
}

// New checks the settings.
func New(cfg Config) (*Manager, error) {
	if cfg.Summary == nil || cfg.Pods == nil || cfg.Kill == nil || cfg.Recorder == nil {
		return nil, errors.New("eviction: Summary, Pods, Kill and Recorder are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	if cfg.Period == 0 {
		cfg.Period = 10 * time.Second
	}
	thresholds, err := evictplan.Parse(cfg.Settings)
	if err != nil {
		return nil, err
	}
	return &Manager{cfg: cfg, thresholds: thresholds}, nil
}

// Conditions are the present pressures.
func (m *Manager) Conditions() evictplan.Conditions {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conditions
}

// Run looks every period until ctx ends.
func (m *Manager) Run(ctx context.Context) error {
	ticker := m.cfg.Clock.NewTicker(m.cfg.Period)
	defer ticker.Stop()
	for {
		if err := m.Synchronize(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Looking for pressure on the node")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
		}
	}
}

// Synchronize is one look: measure, decide, act.
func (m *Manager) Synchronize(ctx context.Context) error {
	pods := slices.DeleteFunc(slices.Clone(m.cfg.Pods()), func(p *v1.Pod) bool { return podstate.IsTerminal(p) || p.DeletionTimestamp != nil })
	if calm, err := m.calm(ctx, pods); err != nil || calm {
		return err
	}
	summary, err := m.cfg.Summary(ctx, false)
	if err != nil {
		return fmt.Errorf("measuring: %w", err)
	}
	usages := usagesOf(summary)
	if m.evictLocal(ctx, pods, usages) {
		return nil // the next look sees what that gave back
	}
	obs := Observe(summary)
	m.mu.Lock()
	before := m.conditions
	next, decision := evictplan.Decide(m.state, m.thresholds, obs, m.cfg.Clock.Now(), m.cfg.Transition)
	m.state, m.conditions = next, decision.Conditions
	m.mu.Unlock()
	if before != decision.Conditions && m.cfg.Changed != nil {
		m.cfg.Changed()
	}
	if len(decision.Act) == 0 {
		return nil
	}
	t := decision.Act[0]
	m.cfg.Recorder.Eventf(m.cfg.NodeRef, v1.EventTypeWarning, "EvictionThresholdMet", "Attempting to reclaim %s", t.Signal.Resource())
	if enough, err := m.reclaim(ctx, t); err != nil || enough {
		return err
	}
	return m.evictOne(ctx, t, obs, pods, usages)
}

// calm looks at the node alone, and tells whether that was enough: nothing is short, and no pod has limits of its own to break.
func (m *Manager) calm(ctx context.Context, pods []*v1.Pod) (bool, error) {
	if m.cfg.Node == nil || slices.ContainsFunc(pods, evictplan.HasLocalLimits) {
		return false, nil
	}
	node, err := m.cfg.Node(ctx)
	if err != nil {
		return false, fmt.Errorf("measuring the node: %w", err)
	}
	m.mu.Lock()
	before := m.conditions
	next, decision := evictplan.Decide(m.state, m.thresholds, Observe(&statsapi.Summary{Node: *node}), m.cfg.Clock.Now(), m.cfg.Transition)
	if len(decision.Act) == 0 {
		m.state, m.conditions = next, decision.Conditions
	}
	m.mu.Unlock()
	if len(decision.Act) > 0 {
		return false, nil
	}
	if before != decision.Conditions && m.cfg.Changed != nil {
		m.cfg.Changed()
	}
	return true, nil
}

// evictLocal ends pods that broke their own limits.
func (m *Manager) evictLocal(ctx context.Context, pods []*v1.Pod, usages map[string]evictplan.Usage) (any bool) {
	for _, pod := range pods {
		message, over := evictplan.Local(pod, usages[string(pod.UID)])
		if !over || admit.Critical(pod) {
			continue
		}
		if err := m.evict(ctx, pod, message, 1); err != nil {
			klog.FromContext(ctx).Error(err, "Evicting pod for its local storage", "pod", klog.KObj(pod))
			continue
		}
		any = true
	}
	return any
}

// reclaim gives back what costs nobody anything, and tells whether that was enough.
func (m *Manager) reclaim(ctx context.Context, t evictplan.Threshold) (bool, error) {
	if t.Signal == evictplan.MemoryAvailable || t.Signal == evictplan.PIDAvailable {
		return false, nil
	}
	for _, give := range []func(context.Context) error{m.cfg.ReclaimContainers, m.cfg.ReclaimImages} {
		if give == nil {
			continue
		}
		if err := give(ctx); err != nil {
			klog.FromContext(ctx).Error(err, "Giving back disk space")
		}
		summary, err := m.cfg.Summary(ctx, false)
		if err != nil {
			return false, fmt.Errorf("measuring again: %w", err)
		}
		if amount, ok := Observe(summary)[t.Signal]; ok && !evictplan.Met(t, amount, true) {
			return true, nil
		}
	}
	return false, nil
}

// evictOne ends the pod that must go first.
func (m *Manager) evictOne(ctx context.Context, t evictplan.Threshold, obs evictplan.Observation, pods []*v1.Pod, usages map[string]evictplan.Usage) error {
	of := func(p *v1.Pod) evictplan.Usage { return usages[string(p.UID)] }
	for _, pod := range evictplan.Rank(pods, of, t.Signal) {
		if admit.Critical(pod) {
			continue
		}
		grace := int64(1) // at once, yet with a chance to say goodbye
		if !t.Hard {
			grace = m.cfg.MaxPodGrace
			if own := pod.Spec.TerminationGracePeriodSeconds; own != nil {
				grace = min(grace, *own)
			}
		}
		return m.evict(ctx, pod, evictplan.Message(pod, t, obs[t.Signal], of(pod)), grace)
	}
	return fmt.Errorf("the node is low on %s and no pod may be evicted", t.Signal.Resource())
}

func (m *Manager) evict(ctx context.Context, pod *v1.Pod, message string, grace int64) error {
	m.cfg.Recorder.Eventf(pod, v1.EventTypeWarning, Reason, "%s", message)
	condition := v1.PodCondition{Type: v1.DisruptionTarget, Status: v1.ConditionTrue, Reason: v1.PodReasonTerminationByKubelet, Message: message}
	if err := m.cfg.Kill(ctx, pod, message, grace, condition); err != nil {
		return fmt.Errorf("evicting pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	klog.FromContext(ctx).Info("Evicted pod", "pod", klog.KObj(pod), "why", message)
	return nil
}

// Admit tells whether a new pod may come while the node is in its present state.
func (m *Manager) Admit(pod *v1.Pod) (ok bool, reason, message string) {
	c := m.Conditions()
	if c == (evictplan.Conditions{}) || admit.Critical(pod) {
		return true, "", ""
	}
	if c == (evictplan.Conditions{Memory: true}) {
		// Those who said how much they need are evicted later than those who did not: let them in.
		if podstate.QOSClass(pod) != v1.PodQOSBestEffort {
			return true, "", ""
		}
		taint := &v1.Taint{Key: v1.TaintNodeMemoryPressure, Effect: v1.TaintEffectNoSchedule}
		if corev1helpers.TolerationsTolerateTaint(klog.Background(), pod.Spec.Tolerations, taint, false) {
			return true, "", ""
		}
	}
	var names []v1.NodeConditionType
	for _, n := range []struct {
		on   bool
		name v1.NodeConditionType
	}{{c.Memory, v1.NodeMemoryPressure}, {c.Disk, v1.NodeDiskPressure}, {c.PID, v1.NodePIDPressure}} {
		if n.on {
			names = append(names, n.name)
		}
	}
	return false, Reason, fmt.Sprintf("The node had condition: %v. ", names)
}
