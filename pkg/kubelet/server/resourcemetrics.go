package server

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/metrics"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// collectTimeout bounds a scrape.
const collectTimeout = 10 * time.Second

// resourceCollector is what metrics-server and its like read.
type resourceCollector struct {
	metrics.BaseStableCollector
	stats Stats
	d     map[string]*metrics.Desc
}

func newResourceCollector(stats Stats) *resourceCollector {
	container := []string{"container", "pod", "namespace"}
	pod := []string{"pod", "namespace"}
	c := &resourceCollector{stats: stats, d: map[string]*metrics.Desc{}}
	add := func(name, help string, labels []string) {
		c.d[name] = metrics.NewDesc(name, help, labels, nil, metrics.STABLE, "")
	}
	add("node_cpu_usage_seconds_total", "Cumulative cpu time consumed by the node in core-seconds", nil)
	add("node_memory_working_set_bytes", "Current working set of the node in bytes", nil)
	add("node_swap_usage_bytes", "Current swap usage of the node in bytes. Reported only on non-windows systems", nil)
	add("container_cpu_usage_seconds_total", "Cumulative cpu time consumed by the container in core-seconds", container)
	add("container_memory_working_set_bytes", "Current working set of the container in bytes", container)
	add("container_swap_usage_bytes", "Current amount of the container swap usage in bytes. Reported only on non-windows systems", container)
	add("container_start_time_seconds", "Start time of the container since unix epoch in seconds", container)
	add("pod_cpu_usage_seconds_total", "Cumulative cpu time consumed by the pod in core-seconds", pod)
	add("pod_memory_working_set_bytes", "Current working set of the pod in bytes", pod)
	add("pod_swap_usage_bytes", "Current amount of the pod swap usage in bytes. Reported only on non-windows systems", pod)
	add("resource_scrape_error", "1 if there was an error while getting container metrics, 0 otherwise", nil)
	return c
}

// DescribeWithStability implements metrics.StableCollector.
func (c *resourceCollector) DescribeWithStability(ch chan<- *metrics.Desc) {
	for _, d := range c.d {
		ch <- d
	}
}

// CollectWithStability implements metrics.StableCollector.
func (c *resourceCollector) CollectWithStability(ch chan<- metrics.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	failed := 0.0
	summary, err := c.stats.Summary(ctx, true)
	if err != nil {
		failed = 1
	}
	ch <- metrics.NewLazyConstMetric(c.d["resource_scrape_error"], metrics.GaugeValue, failed)
	if err != nil {
		return
	}
	c.group(ch, "node", summary.Node.CPU, summary.Node.Memory, summary.Node.Swap)
	for i := range summary.Pods {
		pod := &summary.Pods[i]
		c.group(ch, "pod", pod.CPU, pod.Memory, pod.Swap, pod.PodRef.Name, pod.PodRef.Namespace)
		for j := range pod.Containers {
			container := &pod.Containers[j]
			labels := []string{container.Name, pod.PodRef.Name, pod.PodRef.Namespace}
			c.group(ch, "container", container.CPU, container.Memory, container.Swap, labels...)
			if !container.StartTime.IsZero() {
				c.send(ch, "container_start_time_seconds", metrics.GaugeValue, float64(container.StartTime.UnixNano())/1e9, container.StartTime, labels...)
			}
		}
	}
}

func (c *resourceCollector) group(ch chan<- metrics.Metric, what string, cpu *statsapi.CPUStats, memory *statsapi.MemoryStats, swap *statsapi.SwapStats, labels ...string) {
	if cpu != nil && cpu.UsageCoreNanoSeconds != nil {
		c.send(ch, what+"_cpu_usage_seconds_total", metrics.CounterValue, float64(*cpu.UsageCoreNanoSeconds)/1e9, cpu.Time, labels...)
	}
	if memory != nil && memory.WorkingSetBytes != nil {
		c.send(ch, what+"_memory_working_set_bytes", metrics.GaugeValue, float64(*memory.WorkingSetBytes), memory.Time, labels...)
	}
	if swap != nil && swap.SwapUsageBytes != nil {
		c.send(ch, what+"_swap_usage_bytes", metrics.GaugeValue, float64(*swap.SwapUsageBytes), swap.Time, labels...)
	}
}

func (c *resourceCollector) send(ch chan<- metrics.Metric, name string, kind metrics.ValueType, value float64, at metav1.Time, labels ...string) {
	ch <- metrics.NewLazyMetricWithTimestamp(at.Time, metrics.NewLazyConstMetric(c.d[name], kind, value, labels...))
}
