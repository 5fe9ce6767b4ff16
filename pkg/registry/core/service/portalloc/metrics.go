package portalloc

import (
	"math/big"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// Upstream's names: dashboards and alerts know them.
const (
	metricsNamespace = "kube_apiserver"
	metricsSubsystem = "nodeport_allocator"
)

var (
	allocatedPorts = metrics.NewGauge(&metrics.GaugeOpts{
		Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "allocated_ports", StabilityLevel: metrics.ALPHA,
		Help: "Gauge measuring the number of allocated NodePorts for Services",
	})
	availablePorts = metrics.NewGauge(&metrics.GaugeOpts{
		Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "available_ports", StabilityLevel: metrics.ALPHA,
		Help: "Gauge measuring the number of available NodePorts for Services",
	})
	allocations = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "allocation_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of NodePort allocations",
	}, []string{"scope"})
	failures = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "allocation_errors_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of errors trying to allocate NodePort",
	}, []string{"scope"})
	repairFailures = metrics.NewCounter(&metrics.CounterOpts{
		Namespace: "apiserver", Subsystem: "nodeport_repair", Name: "reconcile_errors_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of reconciliation failures on the nodeport repair reconcile loop",
	})
)

func init() {
	legacyregistry.MustRegister(allocatedPorts, availablePorts, allocations, failures, repairFailures)
}

// count notes how many ports are taken.
func (a *Allocator) count(used *big.Int) {
	taken := 0
	for _, word := range used.Bits() {
		for ; word != 0; word &= word - 1 {
			taken++
		}
	}
	allocatedPorts.Set(float64(taken))
	availablePorts.Set(float64(a.ports.Size - taken))
}

// noted counts an allocation of the scope, static when a client asked for the port.
func noted(scope string, err error) error {
	if err != nil {
		failures.WithLabelValues(scope).Inc()
		return err
	}
	allocations.WithLabelValues(scope).Inc()
	return nil
}
