package podspec

import (
	v1 "k8s.io/api/core/v1"
	helper "k8s.io/component-helpers/resource"

	"tiphys.dev/apirules/core/resources"
)

// setPodLevelResourceDefaults completes resources of the pod as a whole. Where no request is given, the sum of what the
// containers request counts; where they request nothing, the limit. Huge pages cannot be overcommitted, so their limit
// follows the containers' too.
func setPodLevelResourceDefaults(spec *v1.PodSpec) {
	if spec.Resources == nil || len(spec.Resources.Limits)+len(spec.Resources.Requests) == 0 {
		return
	}
	sums := helper.PodResourcesOptions{SkipPodLevelResources: true, ExcludeOverhead: true}
	requested := helper.PodRequests(podMeta(spec), sums)
	limited := helper.PodLimits(podMeta(spec), sums)
	hasOwn := func(name v1.ResourceName, lists ...v1.ResourceList) bool {
		for _, l := range lists {
			if _, ok := l[name]; ok {
				return true
			}
		}
		return false
	}
	set := func(list *v1.ResourceList, name v1.ResourceName, from v1.ResourceList) {
		amount, ok := from[name]
		if !ok || hasOwn(name, *list) {
			return
		}
		if *list == nil {
			*list = v1.ResourceList{}
		}
		(*list)[name] = amount.DeepCopy()
	}
	for name := range limited {
		if resources.IsHugePages(name) {
			set(&spec.Resources.Limits, name, limited)
		}
	}
	if len(spec.Resources.Limits) == 0 {
		return // requests alone say what they say
	}
	for name := range requested {
		if helper.IsSupportedPodLevelResource(name) && !resources.IsHugePages(name) {
			set(&spec.Resources.Requests, name, requested)
		}
	}
	for name := range spec.Resources.Limits {
		if helper.IsSupportedPodLevelResource(name) {
			set(&spec.Resources.Requests, name, spec.Resources.Limits)
		}
	}
}
