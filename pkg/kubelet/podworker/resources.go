package podworker

import (
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

// Kernel units: 1024 shares are one CPU, and 2 is the least the kernel takes.
const (
	sharesPerCPU = 1024
	minShares    = 2
	minQuota     = 1000 // microseconds
)

func shares(milli int64) int64 { return max(milli*sharesPerCPU/1000, minShares) }

func quota(milli int64, period time.Duration) int64 {
	return max(milli*period.Microseconds()/1000, minQuota)
}

// resourcesOf turns requests and limits into what the runtime writes into a cgroup. Nothing asked is nil.
func (w *worker) resourcesOf(requests, limits v1.ResourceList) *runtimeapi.LinuxContainerResources {
	if len(requests) == 0 && len(limits) == 0 {
		return nil
	}
	r := &runtimeapi.LinuxContainerResources{}
	cpu, asked := requests[v1.ResourceCPU]
	if !asked {
		cpu = limits[v1.ResourceCPU] // a limit alone counts as the request
	}
	r.CpuShares = shares(cpu.MilliValue())
	if limit, ok := limits[v1.ResourceCPU]; ok && w.m.cfg.CPUCFSQuota && !limit.IsZero() {
		r.CpuPeriod = w.m.cfg.CPUCFSQuotaPeriod.Microseconds()
		r.CpuQuota = quota(limit.MilliValue(), w.m.cfg.CPUCFSQuotaPeriod)
	}
	if limit, ok := limits[v1.ResourceMemory]; ok && !limit.IsZero() {
		r.MemoryLimitInBytes = limit.Value()
	}
	return r
}

func (w *worker) podResources(pod *v1.Pod) *runtimeapi.LinuxContainerResources {
	return w.resourcesOf(resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{ExcludeOverhead: true}),
		resourcehelper.PodLimits(pod, resourcehelper.PodResourcesOptions{ExcludeOverhead: true}))
}

// containerResources are the container's own, within those of the pod where the pod sets limits and it does not.
func (w *worker) containerResources(pod *v1.Pod, c *v1.Container) *runtimeapi.LinuxContainerResources {
	limits := c.Resources.Limits
	if p := pod.Spec.Resources; p != nil && len(p.Limits) > 0 {
		merged := limits.DeepCopy()
		if merged == nil {
			merged = v1.ResourceList{}
		}
		for _, name := range []v1.ResourceName{v1.ResourceCPU, v1.ResourceMemory} {
			if q, ok := p.Limits[name]; ok {
				if _, own := merged[name]; !own {
					merged[name] = q
				}
			}
		}
		limits = merged
	}
	r := w.resourcesOf(c.Resources.Requests, limits)
	if r == nil {
		r = &runtimeapi.LinuxContainerResources{CpuShares: minShares}
	}
	r.OomScoreAdj = oomScore(pod, c, w.m.cfg.MemoryCapacity)
	// Without swap (NoSwap), memory and memory+swap have the same limit.
	r.MemorySwapLimitInBytes = r.MemoryLimitInBytes
	if w.m.cfg.CgroupV2 {
		r.Unified = map[string]string{"memory.oom.group": "1"}
		if r.MemoryLimitInBytes == 0 {
			r.Unified["memory.swap.max"] = "0"
		}
	}
	for name, q := range c.Resources.Limits {
		if size, ok := strings.CutPrefix(string(name), v1.ResourceHugePagesPrefix); ok {
			if page, err := resource.ParseQuantity(size); err == nil {
				r.HugepageLimits = append(r.HugepageLimits, &runtimeapi.HugepageLimit{PageSize: pageSize(page.Value()), Limit: uint64(q.Value())})
			}
		}
	}
	return r
}

// pageSize is the kernel's name of a huge page size: 2MB, 1GB.
func pageSize(bytes int64) string {
	units := []string{"B", "KB", "MB", "GB"}
	i := 0
	for bytes >= 1024 && i < len(units)-1 {
		bytes, i = bytes/1024, i+1
	}
	return fmt.Sprintf("%d%s", bytes, units[i])
}

// systemCritical is the priority from which on a pod counts as the node's own (system-node-critical).
const systemCritical = 2000001000

// oomScore says who dies first when the node runs out of memory
// (https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-out-of-memory-behavior).
func oomScore(pod *v1.Pod, c *v1.Container, capacity int64) int64 {
	if pod.Spec.Priority != nil && *pod.Spec.Priority >= systemCritical {
		return -997
	}
	switch podstate.QOSClass(pod) {
	case v1.PodQOSGuaranteed:
		return -997
	case v1.PodQOSBestEffort:
		return 1000
	}
	score := burstableScore(c, capacity)
	if !plan.IsSidecar(c) {
		return score
	}
	// A sidecar must not die before the containers it serves.
	for i := range pod.Spec.Containers {
		score = min(score, burstableScore(&pod.Spec.Containers[i], capacity))
	}
	return score
}

func burstableScore(c *v1.Container, capacity int64) int64 {
	if capacity <= 0 {
		return 999
	}
	request := c.Resources.Requests[v1.ResourceMemory]
	return min(max(1000-1000*request.Value()/capacity, 3), 999)
}
