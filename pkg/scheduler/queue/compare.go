package queue

import (
	"maps"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
)

func sameMap(a, b map[string]string) bool { return maps.Equal(a, b) }

// scaledDown tells whether any request of the pod went down.
func scaledDown(old, new *v1.Pod) bool {
	if sameRequests(old, new) {
		return false
	}
	options := resourcehelper.PodResourcesOptions{UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true}
	before, after := resourcehelper.PodRequests(old, options), resourcehelper.PodRequests(new, options)
	for name, quantity := range before {
		now, ok := after[name]
		if !ok || quantity.Cmp(now) > 0 {
			return true
		}
	}
	return false
}

// sameRequests is a quick look that spares summing up in the usual case of a mere status update.
func sameRequests(old, new *v1.Pod) bool {
	if len(old.Spec.Containers) != len(new.Spec.Containers) || (old.Spec.Resources == nil) != (new.Spec.Resources == nil) {
		return false
	}
	if old.Spec.Resources != nil && !sameList(old.Spec.Resources.Requests, new.Spec.Resources.Requests) {
		return false
	}
	for i := range old.Spec.Containers {
		if !sameList(old.Spec.Containers[i].Resources.Requests, new.Spec.Containers[i].Resources.Requests) {
			return false
		}
	}
	for i := range old.Spec.InitContainers {
		if i >= len(new.Spec.InitContainers) ||
			!sameList(old.Spec.InitContainers[i].Resources.Requests, new.Spec.InitContainers[i].Resources.Requests) {
			return false
		}
	}
	return sameStatusRequests(old.Status.ContainerStatuses, new.Status.ContainerStatuses)
}

func sameStatusRequests(old, new []v1.ContainerStatus) bool {
	if len(old) != len(new) {
		return false
	}
	for i := range old {
		if (old[i].Resources == nil) != (new[i].Resources == nil) || !sameList(old[i].AllocatedResources, new[i].AllocatedResources) {
			return false
		}
		if old[i].Resources != nil && !sameList(old[i].Resources.Requests, new[i].Resources.Requests) {
			return false
		}
	}
	return true
}

func sameList(a, b v1.ResourceList) bool {
	return maps.EqualFunc(a, b, func(x, y resource.Quantity) bool { return x.Cmp(y) == 0 })
}
