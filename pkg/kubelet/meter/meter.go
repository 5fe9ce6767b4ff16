package meter

import (
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/component-base/metrics"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

const subsystem = "kubelet"

// Meter holds the metrics of one kubelet.
type Meter struct {
	registry metrics.KubeRegistry

	operations, operationErrors *metrics.CounterVec
	operationTime               *metrics.HistogramVec
	podStart                    *metrics.Histogram
	sandboxes, sandboxErrors    *metrics.Counter
	containers                  *metrics.Counter
	work                        *metrics.HistogramVec
}

// New makes the metrics of a kubelet. running returns what is known of the pods on the node, when somebody asks.
func New(node string, running func() []*observe.Pod) *Meter {
	m := &Meter{registry: metrics.NewKubeRegistry()}
	counter := func(name, help string, labels ...string) *metrics.CounterVec {
		c := metrics.NewCounterVec(&metrics.CounterOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA}, labels)
		m.registry.MustRegister(c)
		return c
	}
	total := func(name, help string) *metrics.Counter {
		c := metrics.NewCounter(&metrics.CounterOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA})
		m.registry.MustRegister(c)
		return c
	}
	m.operations = counter("runtime_operations_total", "Cumulative number of runtime operations by operation type.", "operation_type")
	m.operationErrors = counter("runtime_operations_errors_total", "Cumulative number of runtime operation errors by operation type.", "operation_type")
	m.operationTime = metrics.NewHistogramVec(&metrics.HistogramOpts{Subsystem: subsystem, Name: "runtime_operations_duration_seconds",
		Help:    "Duration in seconds of runtime operations. Broken down by operation type.",
		Buckets: metrics.ExponentialBuckets(.005, 2.5, 14), StabilityLevel: metrics.ALPHA}, []string{"operation_type"})
	m.work = metrics.NewHistogramVec(&metrics.HistogramOpts{Subsystem: subsystem, Name: "pod_worker_duration_seconds",
		Help:    "Duration in seconds to sync a single pod. Broken down by operation type: create, update, or sync",
		Buckets: metrics.DefBuckets, StabilityLevel: metrics.ALPHA}, []string{"operation_type"})
	m.podStart = metrics.NewHistogram(&metrics.HistogramOpts{Subsystem: subsystem, Name: "pod_start_duration_seconds",
		Help:           "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run",
		Buckets:        []float64{0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600},
		StabilityLevel: metrics.ALPHA})
	m.sandboxes = total("started_pods_total", "Cumulative number of pods started")
	m.sandboxErrors = total("started_pods_errors_total", "Cumulative number of errors when starting pods")
	m.containers = total("started_containers_total", "Cumulative number of containers started")
	name := metrics.NewGaugeVec(&metrics.GaugeOpts{Subsystem: subsystem, Name: "node_name", Help: "The node's name. The count is always 1.", StabilityLevel: metrics.ALPHA}, []string{"node"})
	m.registry.MustRegister(m.operationTime, m.work, m.podStart, name)
	name.WithLabelValues(node).Set(1)
	m.registry.CustomMustRegister(&census{running: running})
	m.registry.RawMustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics.RegisterBuildInfo(m.registry)
	return m
}

// Gatherer gives what is shown.
func (m *Meter) Gatherer() metrics.Gatherer { return m.registry }

// Called notes a call of the container runtime.
func (m *Meter) Called(operation string, took time.Duration, err error) {
	m.operations.WithLabelValues(operation).Inc()
	m.operationTime.WithLabelValues(operation).Observe(took.Seconds())
	if err != nil {
		m.operationErrors.WithLabelValues(operation).Inc()
	}
	switch {
	case operation == "run_podsandbox" && err == nil:
		m.sandboxes.Inc()
	case operation == "run_podsandbox":
		m.sandboxErrors.Inc()
	case operation == "start_container" && err == nil:
		m.containers.Inc()
	}
}

// Worked notes one look at a pod.
func (m *Meter) Worked(operation string, took time.Duration) {
	m.work.WithLabelValues(operation).Observe(took.Seconds())
}

// Started notes that a pod runs, and how long after it was first seen.
func (m *Meter) Started(took time.Duration) { m.podStart.Observe(took.Seconds()) }

// census counts what is on the node when it is asked.
type census struct {
	metrics.BaseStableCollector
	running func() []*observe.Pod
}

var (
	runningPods = metrics.NewDesc("kubelet_running_pods", "Number of pods that have a running pod sandbox", nil, nil, metrics.ALPHA, "")
	allStates   = metrics.NewDesc("kubelet_running_containers", "Number of containers currently running", []string{"container_state"}, nil, metrics.ALPHA, "")
)

// stateNames are the label's values.
var stateNames = map[runtimeapi.ContainerState]string{
	runtimeapi.ContainerState_CONTAINER_CREATED: "created", runtimeapi.ContainerState_CONTAINER_RUNNING: "running",
	runtimeapi.ContainerState_CONTAINER_EXITED: "exited", runtimeapi.ContainerState_CONTAINER_UNKNOWN: "unknown",
}

// DescribeWithStability implements a collector.
func (*census) DescribeWithStability(ch chan<- *metrics.Desc) {
	ch <- runningPods
	ch <- allStates
}

// CollectWithStability implements a collector.
func (c *census) CollectWithStability(ch chan<- metrics.Metric) {
	pods, states := 0, map[runtimeapi.ContainerState]int{}
	for _, p := range c.running() {
		for _, s := range p.Sandboxes {
			if s.State == runtimeapi.PodSandboxState_SANDBOX_READY {
				pods++
				break
			}
		}
		for _, container := range p.Containers {
			states[container.State]++
		}
	}
	ch <- metrics.NewLazyConstMetric(runningPods, metrics.GaugeValue, float64(pods))
	for state, n := range states {
		ch <- metrics.NewLazyConstMetric(allStates, metrics.GaugeValue, float64(n), stateNames[state])
	}
}
