package server

import (
	"context"
	"time"

	"k8s.io/component-base/metrics"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// containerCollector serves, under cadvisor's names, the figures that dashboards commonly use.
type containerCollector struct {
	metrics.BaseStableCollector
	stats Stats
	d     map[string]*metrics.Desc
}

var containerLabels = []string{"container", "pod", "namespace"}

func newContainerCollector(stats Stats) *containerCollector {
	c := &containerCollector{stats: stats, d: map[string]*metrics.Desc{}}
	add := func(name, help string, labels ...string) {
		c.d[name] = metrics.NewDesc(name, help, append(append([]string{}, containerLabels...), labels...), nil, metrics.ALPHA, "")
	}
	add("container_cpu_usage_seconds_total", "Cumulative cpu time consumed", "cpu")
	add("container_memory_working_set_bytes", "Current working set in bytes.")
	add("container_memory_usage_bytes", "Current memory usage in bytes, including all memory regardless of when it was accessed")
	add("container_memory_rss", "Size of RSS in bytes.")
	add("container_fs_usage_bytes", "Number of bytes that are consumed by the container on this filesystem.")
	add("container_start_time_seconds", "Start time of the container since unix epoch in seconds.")
	add("container_network_receive_bytes_total", "Cumulative count of bytes received", "interface")
	add("container_network_receive_errors_total", "Cumulative count of errors encountered while receiving", "interface")
	add("container_network_transmit_bytes_total", "Cumulative count of bytes transmitted", "interface")
	add("container_network_transmit_errors_total", "Cumulative count of errors encountered while transmitting", "interface")
	return c
}

// DescribeWithStability implements metrics.StableCollector.
func (c *containerCollector) DescribeWithStability(ch chan<- *metrics.Desc) {
	for _, d := range c.d {
		ch <- d
	}
}

// CollectWithStability implements metrics.StableCollector.
func (c *containerCollector) CollectWithStability(ch chan<- metrics.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	summary, err := c.stats.Summary(ctx, false)
	if err != nil {
		return
	}
	c.group(ch, summary.Node.CPU, summary.Node.Memory, "", "", "")
	c.network(ch, summary.Node.Network, "", "")
	for i := range summary.Pods {
		pod := &summary.Pods[i]
		name, namespace := pod.PodRef.Name, pod.PodRef.Namespace
		c.group(ch, pod.CPU, pod.Memory, "", name, namespace)
		c.network(ch, pod.Network, name, namespace)
		for j := range pod.Containers {
			container := &pod.Containers[j]
			c.group(ch, container.CPU, container.Memory, container.Name, name, namespace)
			if container.Rootfs != nil {
				c.number(ch, "container_fs_usage_bytes", metrics.GaugeValue, container.Rootfs.UsedBytes, container.Rootfs.Time.Time, 1, container.Name, name, namespace)
			}
			if !container.StartTime.IsZero() {
				start := uint64(container.StartTime.Unix())
				c.number(ch, "container_start_time_seconds", metrics.GaugeValue, &start, time.Time{}, 1, container.Name, name, namespace)
			}
		}
	}
}

func (c *containerCollector) group(ch chan<- metrics.Metric, cpu *statsapi.CPUStats, memory *statsapi.MemoryStats, labels ...string) {
	if cpu != nil {
		c.number(ch, "container_cpu_usage_seconds_total", metrics.CounterValue, cpu.UsageCoreNanoSeconds, cpu.Time.Time, 1e9, append(labels, "total")...)
	}
	if memory != nil {
		c.number(ch, "container_memory_working_set_bytes", metrics.GaugeValue, memory.WorkingSetBytes, memory.Time.Time, 1, labels...)
		c.number(ch, "container_memory_usage_bytes", metrics.GaugeValue, memory.UsageBytes, memory.Time.Time, 1, labels...)
		c.number(ch, "container_memory_rss", metrics.GaugeValue, memory.RSSBytes, memory.Time.Time, 1, labels...)
	}
}

func (c *containerCollector) network(ch chan<- metrics.Metric, n *statsapi.NetworkStats, pod, namespace string) {
	if n == nil {
		return
	}
	for _, i := range n.Interfaces {
		c.number(ch, "container_network_receive_bytes_total", metrics.CounterValue, i.RxBytes, n.Time.Time, 1, "", pod, namespace, i.Name)
		c.number(ch, "container_network_receive_errors_total", metrics.CounterValue, i.RxErrors, n.Time.Time, 1, "", pod, namespace, i.Name)
		c.number(ch, "container_network_transmit_bytes_total", metrics.CounterValue, i.TxBytes, n.Time.Time, 1, "", pod, namespace, i.Name)
		c.number(ch, "container_network_transmit_errors_total", metrics.CounterValue, i.TxErrors, n.Time.Time, 1, "", pod, namespace, i.Name)
	}
}

func (c *containerCollector) number(ch chan<- metrics.Metric, name string, kind metrics.ValueType, value *uint64, at time.Time, unit float64, labels ...string) {
	if value == nil {
		return
	}
	m := metrics.NewLazyConstMetric(c.d[name], kind, float64(*value)/unit, labels...)
	if !at.IsZero() {
		m = metrics.NewLazyMetricWithTimestamp(at, m)
	}
	ch <- m
}
