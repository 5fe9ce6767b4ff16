package pod

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// QOSClass derives the class of service from what the pod asks for: nothing at all, exactly what it may use at most, or
// something between. Resources of the pod as a whole, once given, decide alone.
func QOSClass(p *v1.Pod) v1.PodQOSClass {
	var all []v1.ResourceRequirements
	if r := p.Spec.Resources; r != nil {
		all = append(all, *r)
	} else {
		for _, list := range [][]v1.Container{p.Spec.InitContainers, p.Spec.Containers} {
			for _, c := range list {
				all = append(all, c.Resources)
			}
		}
	}
	asked, guaranteed := false, true
	for _, r := range all {
		for _, name := range []v1.ResourceName{v1.ResourceCPU, v1.ResourceMemory} {
			request, limit := positive(r.Requests[name]), positive(r.Limits[name])
			asked = asked || request != nil || limit != nil
			if limit == nil || request != nil && request.Cmp(*limit) != 0 {
				guaranteed = false
			}
		}
	}
	switch {
	case !asked:
		return v1.PodQOSBestEffort
	case guaranteed:
		return v1.PodQOSGuaranteed
	default:
		return v1.PodQOSBurstable
	}
}

func positive(q resource.Quantity) *resource.Quantity {
	if q.Sign() > 0 {
		return &q
	}
	return nil
}
