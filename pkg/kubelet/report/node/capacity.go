package node

import (
	"fmt"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"tiphys.dev/tiphys/pkg/kubelet/stats"
)

// Capacity is what the machine has. storage is the size of the kubelet's file system.
func Capacity(m stats.Machine, maxPods, podsPerCore int32, storage uint64) v1.ResourceList {
	pods := int64(maxPods)
	if podsPerCore > 0 {
		pods = min(pods, int64(podsPerCore)*int64(m.Cores))
	}
	out := v1.ResourceList{
		v1.ResourceCPU:              *resource.NewMilliQuantity(int64(m.Cores)*1000, resource.DecimalSI),
		v1.ResourceMemory:           *resource.NewQuantity(int64(m.Memory), resource.BinarySI),
		v1.ResourceEphemeralStorage: *resource.NewQuantity(int64(storage), resource.BinarySI),
		v1.ResourcePods:             *resource.NewQuantity(pods, resource.DecimalSI),
	}
	for size, pages := range m.HugePages {
		name := v1.ResourceName(v1.ResourceHugePagesPrefix + resource.NewQuantity(int64(size), resource.BinarySI).String())
		out[name] = *resource.NewQuantity(int64(size*pages), resource.BinarySI)
	}
	return out
}

// Reservations are what pods do not get.
type Reservations struct {
	Kube, System v1.ResourceList
	// Eviction is what must stay free before pods are evicted.
	Eviction v1.ResourceList
}

// ParseReservations reads the settings; thresholds in percent are of the capacity.
func ParseReservations(kube, system, evictionHard map[string]string, capacity v1.ResourceList) (Reservations, error) {
	var (
		r   Reservations
		err error
	)
	if r.Kube, err = parseList(kube); err != nil {
		return r, fmt.Errorf("kubeReserved: %w", err)
	}
	if r.System, err = parseList(system); err != nil {
		return r, fmt.Errorf("systemReserved: %w", err)
	}
	r.Eviction = v1.ResourceList{}
	for signal, name := range map[string]v1.ResourceName{"memory.available": v1.ResourceMemory, "nodefs.available": v1.ResourceEphemeralStorage} {
		text, ok := evictionHard[signal]
		if !ok {
			continue
		}
		if percent, ok := strings.CutSuffix(text, "%"); ok {
			share, err := strconv.ParseFloat(percent, 64)
			if err != nil {
				return r, fmt.Errorf("evictionHard %s: %w", signal, err)
			}
			total := capacity[name]
			r.Eviction[name] = *resource.NewQuantity(int64(float64(total.Value())*share/100), resource.BinarySI)
			continue
		}
		q, err := resource.ParseQuantity(text)
		if err != nil {
			return r, fmt.Errorf("evictionHard %s: %w", signal, err)
		}
		r.Eviction[name] = q
	}
	return r, nil
}

func parseList(in map[string]string) (v1.ResourceList, error) {
	out := v1.ResourceList{}
	for name, text := range in {
		q, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[v1.ResourceName(name)] = q
	}
	return out, nil
}

// Allocatable is the capacity without the reservations. Huge pages are memory too: what is set aside for them is no
// longer there as plain memory.
func Allocatable(capacity v1.ResourceList, r Reservations) v1.ResourceList {
	out := v1.ResourceList{}
	for name, q := range capacity {
		left := q.DeepCopy()
		for _, list := range []v1.ResourceList{r.Kube, r.System, r.Eviction} {
			if reserved, ok := list[name]; ok {
				left.Sub(reserved)
			}
		}
		if left.Sign() < 0 {
			left.Set(0)
		}
		out[name] = left
	}
	memory := out[v1.ResourceMemory]
	for name, q := range out {
		if strings.HasPrefix(string(name), v1.ResourceHugePagesPrefix) {
			memory.Sub(q)
		}
	}
	if memory.Sign() < 0 {
		memory.Set(0)
	}
	out[v1.ResourceMemory] = memory
	return out
}

// WithoutEviction is Allocatable with the eviction thresholds left in: the limit of all pods' cgroup, so that the kubelet evicts
// before the kernel kills.
func WithoutEviction(capacity v1.ResourceList, r Reservations) v1.ResourceList {
	r.Eviction = nil
	return Allocatable(capacity, r)
}
