package cgroup

import (
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// Unlimited is the value that lifts a limit.
const Unlimited int64 = -1

// Resources is what one group holds. A nil field is left as the kernel has it.
type Resources struct {
	// CPUShares is the weight in cgroup v1 shares, whatever the version of the kernel's interface.
	CPUShares *uint64
	// CPUQuota is in microseconds per CPUPeriod; Unlimited lifts it.
	CPUQuota  *int64
	CPUPeriod *uint64
	// Memory is the hard limit in bytes.
	Memory *int64
	// Pids limits the number of tasks.
	Pids *int64
	// HugePages holds a limit in bytes by page size as the kernel writes it ("2MB", "1GB").
	HugePages map[string]int64
}

// Options are the settings of the node that shape a pod's resources.
type Options struct {
	CPUCFSQuota       bool
	CPUCFSQuotaPeriod time.Duration
	PodPidsLimit      int64
	// HugePageSizes are the sizes the kernel offers; a size no container asked for is limited to nothing.
	HugePageSizes []string
}

// ResourcesFor decides what the group of a pod holds.
//
// A limit of the pod exists only when every container has one (or the pod itself sets it): otherwise one container may
// use as much as the node has, and so may the pod.
func ResourcesFor(pod *v1.Pod, opts Options) *Resources {
	cpuBounded, memoryBounded := true, true
	each := func(res v1.ResourceList, kind resourcehelper.ContainerType) {
		if res.Cpu().IsZero() {
			cpuBounded = false
		}
		if res.Memory().IsZero() {
			memoryBounded = false
		}
	}
	requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
	limits := resourcehelper.PodLimits(pod, resourcehelper.PodResourcesOptions{ContainerFn: each})
	if resourcehelper.IsPodLevelLimitsSet(pod) {
		if own := pod.Spec.Resources.Limits; own != nil {
			cpuBounded = cpuBounded || !own.Cpu().IsZero()
			memoryBounded = memoryBounded || !own.Memory().IsZero()
		}
	}

	r := &Resources{HugePages: hugePageLimits(limits, opts.HugePageSizes)}
	if opts.PodPidsLimit > 0 {
		pids := opts.PodPidsLimit
		r.Pids = &pids
	}
	shares := uint64(MinShares)
	class := podstate.QOSClass(pod)
	if class == v1.PodQOSBestEffort {
		r.CPUShares = &shares
		return r
	}
	if request := requests.Cpu(); !request.IsZero() {
		shares = SharesOf(request.MilliValue())
	}
	r.CPUShares = &shares
	if cpuBounded {
		period := uint64(opts.CPUCFSQuotaPeriod.Microseconds())
		quota := QuotaOf(limits.Cpu().MilliValue(), opts.CPUCFSQuotaPeriod)
		if !opts.CPUCFSQuota || quota == 0 {
			quota = Unlimited
		}
		r.CPUQuota, r.CPUPeriod = &quota, &period
	}
	if memoryBounded {
		if memory := limits.Memory().Value(); memory > 0 {
			r.Memory = &memory
		}
	}
	return r
}

// hugePageLimits gives every size of the node a limit; sizes that the pod did not ask for get none of them.
func hugePageLimits(limits v1.ResourceList, sizes []string) map[string]int64 {
	if len(sizes) == 0 {
		return nil
	}
	out := make(map[string]int64, len(sizes))
	for _, size := range sizes {
		out[size] = 0
	}
	for name, q := range limits {
		if rest, ok := strings.CutPrefix(string(name), v1.ResourceHugePagesPrefix); ok {
			size := kernelPageSize(rest)
			if _, known := out[size]; known {
				out[size] = q.Value()
			}
		}
	}
	return out
}

// kernelPageSize turns the quantity of a resource name ("2Mi") into the kernel's spelling ("2MB").
func kernelPageSize(quantity string) string {
	return strings.TrimSuffix(quantity, "i") + "B"
}

// unbounded fills what an update must lift: a resize that drops a limit leaves a nil field behind, and nil means "leave".
func (r *Resources) unbounded() *Resources {
	out, none, noMemory := *r, Unlimited, Unlimited
	if out.CPUQuota == nil {
		out.CPUQuota = &none
	}
	if out.Memory == nil {
		out.Memory = &noMemory
	}
	return &out
}
