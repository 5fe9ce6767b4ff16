package proxy

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/component-base/metrics"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

const subsystem = "kubeproxy"

// proxyMetrics are the metrics of one proxy, under upstream's names.
type proxyMetrics struct {
	registry metrics.KubeRegistry

	syncDuration, fullDuration, partialDuration *metrics.HistogramVec
	programming                                 *metrics.HistogramVec
	lastSync, lastQueued                        *metrics.GaugeVec
	endpointChanges, serviceChanges             *metrics.CounterVec
	failures                                    *metrics.CounterVec
	noLocal                                     *metrics.GaugeVec
	healthz, livez                              *metrics.CounterVec
	conntrackDuration                           *metrics.HistogramVec
	conntrackDeleted                            *metrics.CounterVec
}

func newMetrics(t *services.Tracker) *proxyMetrics {
	m := &proxyMetrics{registry: metrics.NewKubeRegistry()}
	family := []string{"ip_family"}
	histogram := func(name, help string, buckets []float64, labels ...string) *metrics.HistogramVec {
		h := metrics.NewHistogramVec(&metrics.HistogramOpts{Subsystem: subsystem, Name: name, Help: help, Buckets: buckets, StabilityLevel: metrics.ALPHA}, labels)
		m.registry.MustRegister(h)
		return h
	}
	gauge := func(name, help string, labels ...string) *metrics.GaugeVec {
		g := metrics.NewGaugeVec(&metrics.GaugeOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA}, labels)
		m.registry.MustRegister(g)
		return g
	}
	counter := func(name, help string, labels ...string) *metrics.CounterVec {
		c := metrics.NewCounterVec(&metrics.CounterOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA}, labels)
		m.registry.MustRegister(c)
		return c
	}
	passes := metrics.ExponentialBuckets(0.001, 2, 15)
	m.syncDuration = histogram("sync_proxy_rules_duration_seconds", "Time of a pass over the rules of one family", passes, family...)
	m.fullDuration = histogram("sync_full_proxy_rules_duration_seconds", "Time of a pass that loaded everything", passes, family...)
	m.partialDuration = histogram("sync_partial_proxy_rules_duration_seconds", "Time of a pass that programmed differences", passes, family...)
	m.programming = histogram("network_programming_duration_seconds", "Time from the change of an endpoint to its presence in the kernel",
		append([]float64{0.01, 0.025, 0.05, 0.1}, append(metrics.LinearBuckets(0.25, 0.25, 4), metrics.LinearBuckets(2, 2, 30)...)...), family...)
	m.lastSync = gauge("sync_proxy_rules_last_timestamp_seconds", "When rules were last programmed", family...)
	m.lastQueued = gauge("sync_proxy_rules_last_queued_timestamp_seconds", "When a change was last noticed", family...)
	m.endpointChanges = counter("sync_proxy_rules_endpoint_changes_total", "Changes of endpoints that were programmed")
	m.serviceChanges = counter("sync_proxy_rules_service_changes_total", "Changes of services that were programmed")
	m.failures = counter("sync_proxy_rules_nftables_sync_failures_total", "Passes that failed", family...)
	m.noLocal = gauge("sync_proxy_rules_no_local_endpoints_total", "Services under a Local policy without endpoints on this node", "ip_family", "traffic_policy")
	m.healthz = counter("proxy_healthz_total", "Answers of /healthz", "code")
	m.livez = counter("proxy_livez_total", "Answers of /livez", "code")
	m.conntrackDuration = histogram("conntrack_reconciler_sync_duration_seconds", "Time to clean connection tracking", passes, family...)
	m.conntrackDeleted = counter("conntrack_reconciler_deleted_entries_total", "Connection tracking entries deleted", family...)

	pending := func(name, help string, value func() int) {
		m.registry.RawMustRegister(metrics.NewGaugeFunc(&metrics.GaugeOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA},
			func() float64 { return float64(value()) }))
	}
	pending("sync_proxy_rules_endpoint_changes_pending", "Changes of endpoints not programmed yet", func() int { _, e := t.Pending(); return e })
	pending("sync_proxy_rules_service_changes_pending", "Changes of services not programmed yet", func() int { s, _ := t.Pending(); return s })
	m.registry.RawMustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *proxyMetrics) queued(f services.Family, at time.Time) {
	m.lastQueued.WithLabelValues(f.String()).Set(seconds(at))
}

func (m *proxyMetrics) synced(f services.Family, full bool, began, end time.Time) {
	took := end.Sub(began).Seconds()
	m.syncDuration.WithLabelValues(f.String()).Observe(took)
	if full {
		m.fullDuration.WithLabelValues(f.String()).Observe(took)
	} else {
		m.partialDuration.WithLabelValues(f.String()).Observe(took)
	}
	m.lastSync.WithLabelValues(f.String()).Set(seconds(end))
}

func (m *proxyMetrics) failed(f services.Family) { m.failures.WithLabelValues(f.String()).Inc() }

func (m *proxyMetrics) programmed(f services.Family, took time.Duration) {
	m.programming.WithLabelValues(f.String()).Observe(took.Seconds())
}

// took counts what a pass contained.
func (m *proxyMetrics) took(c services.Change) {
	m.endpointChanges.WithLabelValues().Add(float64(c.EndpointChanges))
	m.serviceChanges.WithLabelValues().Add(float64(c.ServiceChanges))
	var none [2][2]int // by family, internal and external
	for _, svc := range c.Services {
		for _, p := range svc.Ports {
			if !p.Reachable || len(p.Local) > 0 {
				continue
			}
			if p.InternalLocal {
				none[p.Family][0]++
			}
			if p.ExternalLocal && p.HasExternal() {
				none[p.Family][1]++
			}
		}
	}
	for _, f := range services.Families {
		m.noLocal.WithLabelValues(f.String(), "internal").Set(float64(none[f][0]))
		m.noLocal.WithLabelValues(f.String(), "external").Set(float64(none[f][1]))
	}
}

func (m *proxyMetrics) cleaned(f services.Family, n int, took time.Duration) {
	m.conntrackDuration.WithLabelValues(f.String()).Observe(took.Seconds())
	m.conntrackDeleted.WithLabelValues(f.String()).Add(float64(n))
}

func (m *proxyMetrics) answered(path string, code int) {
	c := m.healthz
	if path == "/livez" {
		c = m.livez
	}
	c.WithLabelValues(strconv.Itoa(code)).Inc()
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
