package quota

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	resourcehelper "k8s.io/component-helpers/resource"
	"k8s.io/utils/clock"

	"tiphys.dev/apirules/core/resources"
)

const podCount corev1.ResourceName = "count/pods"

func newPods(list generic.ListFuncByNamespace, c clock.PassiveClock) *evaluator {
	return &evaluator{
		resource: corev1.Resource("pods"), list: list, scope: podScope, constraints: podConstraints,
		names: []corev1.ResourceName{
			podCount, corev1.ResourcePods, corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage,
			corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory, corev1.ResourceRequestsEphemeralStorage,
			corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory, corev1.ResourceLimitsEphemeralStorage,
		},
		other: isPodResource,
		usage: func(item runtime.Object) (corev1.ResourceList, error) {
			pod, ok := item.(*corev1.Pod)
			if !ok {
				return nil, unexpected(item, "a pod")
			}
			return PodUsage(pod, c), nil
		},
		// An update may move a pod to another scope by its deadline; a resize changes what it takes.
		handles: func(a admission.Attributes) bool {
			return onWrite(a) || a.GetSubresource() == "resize" && a.GetOperation() == admission.Update
		},
	}
}

// isPodResource tells about names that have a pattern: huge pages and extended resources.
func isPodResource(name corev1.ResourceName) bool {
	if resources.IsHugePages(name) {
		return true
	}
	requested, ok := strings.CutPrefix(string(name), corev1.DefaultResourceRequestsPrefix)
	if !ok {
		return false
	}
	of := corev1.ResourceName(requested)
	return resources.IsHugePages(of) || isExtended(of)
}

// isExtended tells about extended resources, those named after device classes included.
func isExtended(name corev1.ResourceName) bool {
	return resources.IsExtended(name) || strings.HasPrefix(string(name), resourcev1.ResourceDeviceClassPrefix)
}

// PodUsage is what the pod costs. A pod that is over is still stored, and costs no more than that.
func PodUsage(pod *corev1.Pod, c clock.PassiveClock) corev1.ResourceList {
	one := *resource.NewQuantity(1, resource.DecimalSI)
	usage := corev1.ResourceList{podCount: one}
	if !counts(pod, c) {
		return usage
	}
	usage[corev1.ResourcePods] = one
	o := resourcehelper.PodResourcesOptions{UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true}
	for name, q := range resourcehelper.PodRequests(pod, o) {
		requested := corev1.ResourceName(corev1.DefaultResourceRequestsPrefix + string(name))
		switch {
		case name == corev1.ResourceCPU, name == corev1.ResourceMemory, name == corev1.ResourceEphemeralStorage, resources.IsHugePages(name):
			usage[name], usage[requested] = q, q
		case isExtended(name):
			usage[requested] = q
		}
	}
	for name, q := range resourcehelper.PodLimits(pod, o) {
		switch name {
		case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
			usage[corev1.ResourceName("limits."+string(name))] = q
		}
	}
	return usage
}

// counts tells whether the pod takes resources: it is neither over nor past the time it was given to end. The latter frees the
// quota of pods on nodes that never report back.
func counts(pod *corev1.Pod, c clock.PassiveClock) bool {
	if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		return false
	}
	if pod.DeletionTimestamp == nil || pod.DeletionGracePeriodSeconds == nil {
		return true
	}
	grace := time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
	return !c.Now().After(pod.DeletionTimestamp.Add(grace))
}

// mustSpecify are the resources that every container must state once a quota limits them.
var mustSpecify = []corev1.ResourceName{
	corev1.ResourceCPU, corev1.ResourceMemory,
	corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory, corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory,
}

// podConstraints refuses a pod of which it cannot be said how much of a limited resource it takes.
func podConstraints(required []corev1.ResourceName, item runtime.Object) error {
	pod, ok := item.(*corev1.Pod)
	if !ok {
		return unexpected(item, "a pod")
	}
	// A pod that says what it takes as a whole need not say it of its containers.
	if resourcehelper.IsPodLevelResourcesSet(pod) {
		return nil
	}
	missing := map[corev1.ResourceName][]string{}
	for _, name := range mustSpecify {
		if !slices.Contains(required, name) {
			continue
		}
		for _, c := range pod.Spec.Containers {
			if !states(&c.Resources, name) {
				missing[name] = append(missing[name], c.Name)
			}
		}
		for _, c := range pod.Spec.InitContainers {
			if !states(&c.Resources, name) {
				missing[name] = append(missing[name], c.Name)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		slices.Sort(missing[name])
		parts = append(parts, fmt.Sprintf("%s for: %s", name, strings.Join(slices.Compact(missing[name]), ",")))
	}
	return fmt.Errorf("must specify %s", strings.Join(parts, "; "))
}

// states tells whether the requirements say how much of the quota's resource is taken.
func states(r *corev1.ResourceRequirements, name corev1.ResourceName) bool {
	list := r.Requests
	of, isLimit := strings.CutPrefix(string(name), "limits.")
	if isLimit {
		list = r.Limits
	}
	_, ok := list[corev1.ResourceName(strings.TrimPrefix(of, corev1.DefaultResourceRequestsPrefix))]
	return ok
}
