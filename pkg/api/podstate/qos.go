package podstate

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// QOSClass returns the class the pod is in: the recorded one where the API server has set it (it never changes after
// creation), else the computed one.
func QOSClass(pod *v1.Pod) v1.PodQOSClass {
	if pod.Status.QOSClass != "" {
		return pod.Status.QOSClass
	}
	return ComputeQOSClass(pod)
}

// ComputeQOSClass derives the class from the requests and limits of cpu and memory.
// See https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/.
//
// Pod-level resources (KEP-2837) decide alone when they are set; otherwise every container and init container counts.
func ComputeQOSClass(pod *v1.Pod) v1.PodQOSClass {
	if r := pod.Spec.Resources; r != nil && (len(r.Requests) > 0 || len(r.Limits) > 0) {
		return classOf([]v1.ResourceRequirements{*r})
	}
	all := make([]v1.ResourceRequirements, 0, len(pod.Spec.Containers)+len(pod.Spec.InitContainers))
	for i := range pod.Spec.Containers {
		all = append(all, pod.Spec.Containers[i].Resources)
	}
	for i := range pod.Spec.InitContainers {
		all = append(all, pod.Spec.InitContainers[i].Resources)
	}
	return classOf(all)
}

var qosResources = []v1.ResourceName{v1.ResourceCPU, v1.ResourceMemory}

func classOf(all []v1.ResourceRequirements) v1.PodQOSClass {
	bestEffort, guaranteed := true, true
	for _, r := range all {
		for _, name := range qosResources {
			request, limit := positive(r.Requests, name), positive(r.Limits, name)
			if request != nil || limit != nil {
				bestEffort = false
			}
			if limit == nil || (request != nil && request.Cmp(*limit) != 0) {
				guaranteed = false
			}
		}
	}
	switch {
	case bestEffort:
		return v1.PodQOSBestEffort
	case guaranteed:
		return v1.PodQOSGuaranteed
	default:
		return v1.PodQOSBurstable
	}
}

func positive(list v1.ResourceList, name v1.ResourceName) *resource.Quantity {
	q, ok := list[name]
	if !ok || q.Sign() <= 0 {
		return nil
	}
	return &q
}
