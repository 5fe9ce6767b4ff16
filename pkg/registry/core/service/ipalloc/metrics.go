package ipalloc

import (
	"net/netip"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// Upstream's names: dashboards and alerts know them. The registry is the API server's own, which the library fixes.
const (
	metricsNamespace = "kube_apiserver"
	metricsSubsystem = "clusterip_allocator"
	scopeStatic      = "static"
	scopeDynamic     = "dynamic"
)

var (
	allocatedDesc = metrics.NewDesc(metrics.BuildFQName(metricsNamespace, metricsSubsystem, "allocated_ips"),
		"Gauge measuring the number of allocated IPs for Services", []string{"cidr"}, nil, metrics.ALPHA, "")
	availableDesc = metrics.NewDesc(metrics.BuildFQName(metricsNamespace, metricsSubsystem, "available_ips"),
		"Gauge measuring the number of available IPs for Services", []string{"cidr"}, nil, metrics.ALPHA, "")

	allocations = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "allocation_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of Cluster IPs allocations",
	}, []string{"cidr", "scope"})
	failures = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "allocation_errors_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of errors trying to allocate Cluster IPs",
	}, []string{"cidr", "scope"})
	duration = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "allocation_duration_seconds", StabilityLevel: metrics.ALPHA,
		Help: "Duration in seconds to allocate a Cluster IP by ServiceCIDR", Buckets: metrics.DefBuckets,
	}, []string{"cidr"})
)

// latest is the allocator whose addresses are counted: a process has one, but tests make several.
var latest atomic.Pointer[Allocator]

func init() {
	legacyregistry.MustRegister(allocations, failures, duration)
	legacyregistry.CustomMustRegister(&counts{})
}

// counts counts addresses when somebody asks, so that an allocation pays nothing for it.
type counts struct{ metrics.BaseStableCollector }

// DescribeWithStability describes what is counted.
func (*counts) DescribeWithStability(ch chan<- *metrics.Desc) {
	ch <- allocatedDesc
	ch <- availableDesc
}

// CollectWithStability counts the addresses of each range.
func (*counts) CollectWithStability(ch chan<- metrics.Metric) {
	a := latest.Load()
	if a == nil {
		return
	}
	prefixes := append(a.prefixes(corev1.IPv4Protocol), a.prefixes(corev1.IPv6Protocol)...)
	records, err := a.addresses.List(labels.Everything())
	if err != nil {
		return
	}
	used := map[netip.Prefix]float64{}
	for _, r := range records {
		addr, err := netip.ParseAddr(r.Name)
		if err != nil {
			continue
		}
		for _, p := range prefixes {
			if usable(p, addr) {
				used[p]++
			}
		}
	}
	seen := map[netip.Prefix]bool{}
	for _, p := range prefixes {
		if seen[p] {
			continue
		}
		seen[p] = true
		_, size := bounds(p)
		ch <- metrics.NewLazyConstMetric(allocatedDesc, metrics.GaugeValue, used[p], p.String())
		ch <- metrics.NewLazyConstMetric(availableDesc, metrics.GaugeValue, float64(size)-used[p], p.String())
	}
}
