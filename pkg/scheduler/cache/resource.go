package cache

import (
	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Resource is a vector of compute resources; the common ones are plain fields because they are read for every node.
type Resource struct {
	MilliCPU         int64
	Memory           int64
	EphemeralStorage int64
	AllowedPodNumber int
	Scalars          map[v1.ResourceName]int64
}

var _ fwk.Resource = &Resource{}

// NewResource turns a resource list into a vector.
func NewResource(list v1.ResourceList) *Resource {
	r := &Resource{}
	r.AddList(list)
	return r
}

func (r *Resource) GetMilliCPU() int64                            { return r.MilliCPU }
func (r *Resource) GetMemory() int64                              { return r.Memory }
func (r *Resource) GetEphemeralStorage() int64                    { return r.EphemeralStorage }
func (r *Resource) GetAllowedPodNumber() int                      { return r.AllowedPodNumber }
func (r *Resource) GetScalarResources() map[v1.ResourceName]int64 { return r.Scalars }

// AddList adds every entry of list.
func (r *Resource) AddList(list v1.ResourceList) {
	for name, quantity := range list {
		switch name {
		case v1.ResourceCPU:
			r.MilliCPU += quantity.MilliValue()
		case v1.ResourceMemory:
			r.Memory += quantity.Value()
		case v1.ResourceEphemeralStorage:
			r.EphemeralStorage += quantity.Value()
		case v1.ResourcePods:
			r.AllowedPodNumber += int(quantity.Value())
		default:
			r.addScalar(name, quantity.Value())
		}
	}
}

// SetMaxResource raises each component to at least what list says.
func (r *Resource) SetMaxResource(list v1.ResourceList) {
	for name, quantity := range list {
		switch name {
		case v1.ResourceCPU:
			r.MilliCPU = max(r.MilliCPU, quantity.MilliValue())
		case v1.ResourceMemory:
			r.Memory = max(r.Memory, quantity.Value())
		case v1.ResourceEphemeralStorage:
			r.EphemeralStorage = max(r.EphemeralStorage, quantity.Value())
		case v1.ResourcePods:
			r.AllowedPodNumber = max(r.AllowedPodNumber, int(quantity.Value()))
		default:
			if value := quantity.Value(); value > r.Scalars[name] {
				r.addScalar(name, value-r.Scalars[name])
			}
		}
	}
}

// Get returns the amount of one resource, CPU in millicores.
func (r *Resource) Get(name v1.ResourceName) int64 {
	switch name {
	case v1.ResourceCPU:
		return r.MilliCPU
	case v1.ResourceMemory:
		return r.Memory
	case v1.ResourceEphemeralStorage:
		return r.EphemeralStorage
	case v1.ResourcePods:
		return int64(r.AllowedPodNumber)
	}
	return r.Scalars[name]
}

// add adds other sign times; AllowedPodNumber is a property of nodes only and stays.
func (r *Resource) add(other *Resource, sign int64) {
	r.MilliCPU += sign * other.MilliCPU
	r.Memory += sign * other.Memory
	r.EphemeralStorage += sign * other.EphemeralStorage
	for name, value := range other.Scalars {
		r.addScalar(name, sign*value)
	}
}

func (r *Resource) addScalar(name v1.ResourceName, value int64) {
	if r.Scalars == nil {
		r.Scalars = map[v1.ResourceName]int64{}
	}
	r.Scalars[name] += value
}

func (r *Resource) clone() Resource {
	out := *r
	if r.Scalars != nil {
		out.Scalars = make(map[v1.ResourceName]int64, len(r.Scalars))
		for name, value := range r.Scalars {
			out.Scalars[name] = value
		}
	}
	return out
}
