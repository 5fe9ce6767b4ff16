package worker

import (
	"fmt"

	"k8s.io/client-go/util/workqueue"
	"k8s.io/component-base/metrics"
)

// queueMetrics are upstream's workqueue_* metrics in the registry of one component. client-go's own provider writes into a
// registry of the whole process, where the components of the all-in-one would mix.
type queueMetrics struct {
	depth, unfinished, longest *metrics.GaugeVec
	adds, retries              *metrics.CounterVec
	latency, duration          *metrics.HistogramVec
}

// NewMetrics registers the workqueue metrics and returns the provider to put into every Config of the component.
func NewMetrics(registry metrics.KubeRegistry) (workqueue.MetricsProvider, error) {
	gauge := func(name, help string) *metrics.GaugeVec {
		return metrics.NewGaugeVec(&metrics.GaugeOpts{Subsystem: "workqueue", Name: name, Help: help, StabilityLevel: metrics.BETA}, []string{"name"})
	}
	counter := func(name, help string) *metrics.CounterVec {
		return metrics.NewCounterVec(&metrics.CounterOpts{Subsystem: "workqueue", Name: name, Help: help, StabilityLevel: metrics.BETA}, []string{"name"})
	}
	histogram := func(name, help string) *metrics.HistogramVec {
		return metrics.NewHistogramVec(&metrics.HistogramOpts{Subsystem: "workqueue", Name: name, Help: help, StabilityLevel: metrics.BETA,
			Buckets: metrics.ExponentialBuckets(10e-9, 10, 10)}, []string{"name"})
	}
	m := &queueMetrics{
		depth:      gauge("depth", "Keys waiting in the queue"),
		unfinished: gauge("unfinished_work_seconds", "Seconds of work in progress that work_duration has not counted yet"),
		longest:    gauge("longest_running_processor_seconds", "Seconds the longest running sync has taken so far"),
		adds:       counter("adds_total", "Keys added to the queue"),
		retries:    counter("retries_total", "Keys tried again after a failure"),
		latency:    histogram("queue_duration_seconds", "Seconds a key waits in the queue"),
		duration:   histogram("work_duration_seconds", "Seconds a sync takes"),
	}
	for _, r := range []metrics.Registerable{m.depth, m.unfinished, m.longest, m.adds, m.retries, m.latency, m.duration} {
		if err := registry.Register(r); err != nil {
			return nil, fmt.Errorf("registering workqueue metrics: %w", err)
		}
	}
	return m, nil
}

func (m *queueMetrics) NewDepthMetric(name string) workqueue.GaugeMetric {
	return m.depth.WithLabelValues(name)
}
func (m *queueMetrics) NewAddsMetric(name string) workqueue.CounterMetric {
	return m.adds.WithLabelValues(name)
}
func (m *queueMetrics) NewLatencyMetric(name string) workqueue.HistogramMetric {
	return m.latency.WithLabelValues(name)
}
func (m *queueMetrics) NewWorkDurationMetric(name string) workqueue.HistogramMetric {
	return m.duration.WithLabelValues(name)
}
func (m *queueMetrics) NewUnfinishedWorkSecondsMetric(name string) workqueue.SettableGaugeMetric {
	return m.unfinished.WithLabelValues(name)
}
func (m *queueMetrics) NewLongestRunningProcessorSecondsMetric(name string) workqueue.SettableGaugeMetric {
	return m.longest.WithLabelValues(name)
}
func (m *queueMetrics) NewRetriesMetric(name string) workqueue.CounterMetric {
	return m.retries.WithLabelValues(name)
}
