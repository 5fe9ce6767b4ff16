package plan

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

// resize brings a running container's resources to what is wanted (KEP-1287): in place, or by a restart where the
// container's resize policy asks for one.
func (d *decider) resize(c *v1.Container, o *observe.Container) {
	if d.in.Wanted == nil || o.Resources == nil {
		return
	}
	cpu, memory := Differ(d.in.Wanted(c), o.Resources)
	if !cpu && !memory {
		return
	}
	for _, p := range c.ResizePolicy {
		if p.RestartPolicy == v1.RestartContainer && (p.ResourceName == v1.ResourceCPU && cpu || p.ResourceName == v1.ResourceMemory && memory) {
			d.kill(o, KillResize, fmt.Sprintf("Container %s resize requires restart", c.Name))
			return
		}
	}
	d.plan.Resize = append(d.plan.Resize, o.ID)
}

// Differ tells whether the CPU and the memory of two settings differ. No limit is written in several ways.
func Differ(want, have *runtimeapi.LinuxContainerResources) (cpu, memory bool) {
	if want == nil || have == nil {
		return false, false
	}
	cpu = max(want.CpuShares, 2) != max(have.CpuShares, 2) || max(want.CpuQuota, 0) != max(have.CpuQuota, 0)
	return cpu, max(want.MemoryLimitInBytes, 0) != max(have.MemoryLimitInBytes, 0)
}
