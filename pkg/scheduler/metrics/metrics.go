// Package metrics holds the scheduler's metrics under the names the ecosystem's dashboards know. Each scheduler has a
// Metrics of its own in a registry of its own, so several may live in one process.
package metrics

import (
	"time"

	"k8s.io/component-base/metrics"
)

const subsystem = "scheduler"

// Results of a scheduling attempt.
const (
	ResultScheduled     = "scheduled"
	ResultUnschedulable = "unschedulable"
	ResultError         = "error"
)

// Metrics are all metrics of one scheduler.
type Metrics struct {
	ScheduleAttempts        *metrics.CounterVec
	AttemptDuration         *metrics.HistogramVec
	AlgorithmDuration       *metrics.Histogram
	SLIDuration             *metrics.HistogramVec
	PodAttempts             *metrics.Histogram
	PendingPods             *metrics.GaugeVec
	Goroutines              *metrics.GaugeVec
	QueueIncoming           *metrics.CounterVec
	ExtensionPointDuration  *metrics.HistogramVec
	PluginDuration          *metrics.HistogramVec
	PermitWait              *metrics.HistogramVec
	PreemptionVictims       *metrics.Histogram
	PreemptionAttempts      *metrics.Counter
	CacheSize               *metrics.GaugeVec
	UnschedulableReasons    *metrics.GaugeVec
	PluginEvaluation        *metrics.CounterVec
	EventHandling           *metrics.HistogramVec
	QueueingHintDuration    *metrics.HistogramVec
	InflightEvents          *metrics.GaugeVec
	BatchAttempts           *metrics.CounterVec
	PreemptionGoroutineTime *metrics.HistogramVec
	PreemptionGoroutineRuns *metrics.CounterVec
}

// New makes the metrics and registers them.
func New(registry metrics.KubeRegistry) (*Metrics, error) {
	m := &Metrics{
		ScheduleAttempts: counters("schedule_attempts_total", "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.", metrics.STABLE, "result", "profile"),
		AttemptDuration:  histograms("scheduling_attempt_duration_seconds", "Scheduling attempt latency in seconds (scheduling algorithm + binding)", metrics.STABLE, metrics.ExponentialBuckets(0.0001, 2, 18), "result", "profile"),
		AlgorithmDuration: metrics.NewHistogram(&metrics.HistogramOpts{Subsystem: subsystem, Name: "scheduling_algorithm_duration_seconds",
			Help: "Scheduling algorithm latency in seconds", Buckets: metrics.ExponentialBuckets(0.00001, 2, 20), StabilityLevel: metrics.ALPHA}),
		SLIDuration: histograms("pod_scheduling_sli_duration_seconds", "E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.", metrics.BETA, metrics.ExponentialBuckets(0.01, 2, 20), "attempts"),
		PodAttempts: metrics.NewHistogram(&metrics.HistogramOpts{Subsystem: subsystem, Name: "pod_scheduling_attempts",
			Help: "Number of attempts to successfully schedule a pod.", Buckets: metrics.ExponentialBuckets(1, 2, 5), StabilityLevel: metrics.STABLE}),
		PendingPods:            gauges("pending_pods", "Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule because they are gated.", metrics.STABLE, "queue"),
		Goroutines:             gauges("goroutines", "Number of running goroutines split by the work they do such as binding.", metrics.ALPHA, "operation"),
		QueueIncoming:          counters("queue_incoming_pods_total", "Number of pods added to scheduling queues by event and queue type.", metrics.STABLE, "event", "queue"),
		ExtensionPointDuration: histograms("framework_extension_point_duration_seconds", "Latency for running all plugins of a specific extension point.", metrics.STABLE, metrics.ExponentialBuckets(0.0001, 2, 12), "extension_point", "profile", "status"),
		PluginDuration:         histograms("plugin_execution_duration_seconds", "Duration for running a plugin at a specific extension point.", metrics.ALPHA, metrics.ExponentialBuckets(0.00001, 1.5, 20), "extension_point", "plugin", "status"),
		PermitWait:             histograms("permit_wait_duration_seconds", "Duration of waiting on permit.", metrics.ALPHA, metrics.ExponentialBuckets(0.001, 2, 15), "result"),
		PreemptionVictims: metrics.NewHistogram(&metrics.HistogramOpts{Subsystem: subsystem, Name: "preemption_victims",
			Help: "Number of selected preemption victims", Buckets: metrics.ExponentialBuckets(1, 2, 7), StabilityLevel: metrics.STABLE}),
		PreemptionAttempts: metrics.NewCounter(&metrics.CounterOpts{Subsystem: subsystem, Name: "preemption_attempts_total",
			Help: "Total preemption attempts in the cluster till now", StabilityLevel: metrics.STABLE}),
		CacheSize:               gauges("cache_size", "Number of nodes, pods, and assumed (bound) pods in the scheduler cache.", metrics.ALPHA, "type"),
		UnschedulableReasons:    gauges("unschedulable_pods", "The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all plugins that caused it to not schedule and so this metric have meaning only when broken down by plugin.", metrics.ALPHA, "plugin", "profile"),
		PluginEvaluation:        counters("plugin_evaluation_total", "Number of attempts to schedule pods by each plugin and the extension point (available only in PreFilter, Filter, PreScore, and Score).", metrics.ALPHA, "plugin", "extension_point", "profile"),
		EventHandling:           histograms("event_handling_duration_seconds", "Event handling latency in seconds.", metrics.ALPHA, metrics.ExponentialBuckets(0.0001, 2, 18), "event"),
		QueueingHintDuration:    histograms("queueing_hint_execution_duration_seconds", "Duration for running a queueing hint function of a plugin.", metrics.ALPHA, metrics.ExponentialBuckets(0.00001, 2, 12), "plugin", "event", "hint"),
		InflightEvents:          gauges("inflight_events", "Number of events currently tracked in the scheduling queue.", metrics.ALPHA, "event"),
		BatchAttempts:           counters("batch_attempts_total", "Counts of results when we attempt to use batching.", metrics.ALPHA, "profile", "result"),
		PreemptionGoroutineTime: histograms("preemption_goroutines_duration_seconds", "Duration in seconds for running goroutines for the preemption.", metrics.ALPHA, metrics.ExponentialBuckets(0.01, 2, 20), "result"),
		PreemptionGoroutineRuns: counters("preemption_goroutines_execution_total", "Number of preemption goroutines executed.", metrics.ALPHA, "result"),
	}
	for _, metric := range []metrics.Registerable{
		m.ScheduleAttempts, m.AttemptDuration, m.AlgorithmDuration, m.SLIDuration, m.PodAttempts, m.PendingPods, m.Goroutines,
		m.QueueIncoming, m.ExtensionPointDuration, m.PluginDuration, m.PermitWait, m.PreemptionVictims, m.PreemptionAttempts,
		m.CacheSize, m.UnschedulableReasons, m.PluginEvaluation, m.EventHandling, m.QueueingHintDuration, m.InflightEvents,
		m.BatchAttempts, m.PreemptionGoroutineTime, m.PreemptionGoroutineRuns,
	} {
		if err := registry.Register(metric); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Attempt records one finished scheduling attempt.
func (m *Metrics) Attempt(result, profile string, took time.Duration) {
	m.ScheduleAttempts.WithLabelValues(result, profile).Inc()
	m.AttemptDuration.WithLabelValues(result, profile).Observe(took.Seconds())
}

func counters(name, help string, level metrics.StabilityLevel, labels ...string) *metrics.CounterVec {
	return metrics.NewCounterVec(&metrics.CounterOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: level}, labels)
}

func gauges(name, help string, level metrics.StabilityLevel, labels ...string) *metrics.GaugeVec {
	return metrics.NewGaugeVec(&metrics.GaugeOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: level}, labels)
}

func histograms(name, help string, level metrics.StabilityLevel, buckets []float64, labels ...string) *metrics.HistogramVec {
	return metrics.NewHistogramVec(&metrics.HistogramOpts{Subsystem: subsystem, Name: name, Help: help, Buckets: buckets, StabilityLevel: level}, labels)
}
