package noderesources

import (
	"fmt"
	"math"

	v1 "k8s.io/api/core/v1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// maxCustomScore is the top of the scale of RequestedToCapacityRatio shapes.
const maxCustomScore = 10

// scorer rates nodes by one strategy.
type scorer struct {
	resources []weighted
	rate      func(requested, allocatable int64) int64
	// ratio strategies leave out resources that score nothing.
	skipZero bool
}

type weighted struct {
	name   v1.ResourceName
	weight int64
}

func newScorer(strategy *configv1.ScoringStrategy) (scorer, error) {
	s := scorer{}
	for _, spec := range strategy.Resources {
		s.resources = append(s.resources, weighted{v1.ResourceName(spec.Name), spec.Weight})
	}
	switch strategy.Type {
	case configv1.LeastAllocated:
		s.rate = leastAllocated
	case configv1.MostAllocated:
		s.rate = mostAllocated
	case configv1.RequestedToCapacityRatio:
		if strategy.RequestedToCapacityRatio == nil || len(strategy.RequestedToCapacityRatio.Shape) == 0 {
			return s, fmt.Errorf("scoring strategy %s needs a shape", strategy.Type)
		}
		s.rate = ratio(strategy.RequestedToCapacityRatio.Shape)
		s.skipZero = true
	default:
		return s, fmt.Errorf("scoring strategy %s is not supported", strategy.Type)
	}
	return s, nil
}

// usage returns allocatable and requested including the pod. With filled, containers that ask for nothing count with
// default amounts. False when the resource does not matter here.
func usage(r *request, info fwk.NodeInfo, name v1.ResourceName, filled bool) (allocatable, requested int64, ok bool) {
	total, used, non0 := info.GetAllocatable(), info.GetRequested(), info.GetNonZeroRequested()
	switch name {
	case v1.ResourceCPU:
		if filled {
			return total.GetMilliCPU(), non0.GetMilliCPU() + r.non0CPU, total.GetMilliCPU() > 0
		}
		return total.GetMilliCPU(), used.GetMilliCPU() + r.MilliCPU, total.GetMilliCPU() > 0
	case v1.ResourceMemory:
		if filled {
			return total.GetMemory(), non0.GetMemory() + r.non0Mem, total.GetMemory() > 0
		}
		return total.GetMemory(), used.GetMemory() + r.Memory, total.GetMemory() > 0
	case v1.ResourceEphemeralStorage:
		return total.GetEphemeralStorage(), used.GetEphemeralStorage() + r.EphemeralStorage, total.GetEphemeralStorage() > 0
	}
	// A resource the pod does not ask for must not draw it to or from nodes that have it.
	if r.Scalars[name] == 0 {
		return 0, 0, false
	}
	allocatable = total.GetScalarResources()[name]
	return allocatable, used.GetScalarResources()[name] + r.Scalars[name], allocatable > 0
}

func (s *scorer) score(r *request, info fwk.NodeInfo) int64 {
	var sum, weights int64
	for _, resource := range s.resources {
		allocatable, requested, ok := usage(r, info, resource.name, true)
		if !ok {
			continue
		}
		score := s.rate(requested, allocatable)
		if s.skipZero && score <= 0 {
			continue
		}
		sum += score * resource.weight
		weights += resource.weight
	}
	if weights == 0 {
		return 0
	}
	if s.skipZero {
		return int64(math.Round(float64(sum) / float64(weights)))
	}
	return sum / weights
}

func leastAllocated(requested, allocatable int64) int64 {
	if requested > allocatable {
		return 0
	}
	return (allocatable - requested) * fwk.MaxNodeScore / allocatable
}

func mostAllocated(requested, allocatable int64) int64 {
	return min(requested, allocatable) * fwk.MaxNodeScore / allocatable
}

// ratio interpolates between the points of a shape.
func ratio(shape []configv1.UtilizationShapePoint) func(requested, allocatable int64) int64 {
	type point struct{ x, y int64 }
	points := make([]point, len(shape))
	for i := range shape {
		points[i] = point{int64(shape[i].Utilization), int64(shape[i].Score) * (fwk.MaxNodeScore / maxCustomScore)}
	}
	return func(requested, allocatable int64) int64 {
		utilization := int64(100)
		if requested <= allocatable {
			utilization = requested * 100 / allocatable
		}
		for i, p := range points {
			if utilization > p.x {
				continue
			}
			if i == 0 {
				return p.y
			}
			q := points[i-1]
			return q.y + (p.y-q.y)*(utilization-q.x)/(p.x-q.x)
		}
		return points[len(points)-1].y
	}
}
