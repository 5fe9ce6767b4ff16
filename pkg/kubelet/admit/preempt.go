package admit

import (
	"cmp"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

const (
	// systemCritical is the priority at and above which a pod is critical (scheduling.k8s.io: system-cluster-critical).
	systemCritical = 2_000_000_000

	sourceAnnotation = "kubernetes.io/config.source"
	mirrorAnnotation = "kubernetes.io/config.mirror"
)

// Critical tells whether the node depends on the pod: static pods, their mirrors, and those of system priority.
func Critical(pod *v1.Pod) bool {
	if source, ok := pod.Annotations[sourceAnnotation]; ok && source != "api" {
		return true
	}
	if _, ok := pod.Annotations[mirrorAnnotation]; ok {
		return true
	}
	return pod.Spec.Priority != nil && *pod.Spec.Priority >= systemCritical
}

// Victims chooses pods whose going makes room: of lower priority, best-effort before burstable before guaranteed, and of
// one class first the pod that brings most towards the goal, the smaller one of equals. False when all together would not do.
func Victims(pod *v1.Pod, active []*v1.Pod, shortages []shortage) ([]*v1.Pod, bool) {
	need := map[v1.ResourceName]int64{}
	for _, s := range shortages {
		need[s.name] = s.missing()
	}
	var candidates []*v1.Pod
	for _, other := range active {
		if Critical(pod) && !Critical(other) || corev1helpers.PodPriority(other) < corev1helpers.PodPriority(pod) {
			candidates = append(candidates, other)
		}
	}
	var out []*v1.Pod
	for _, class := range []v1.PodQOSClass{v1.PodQOSBestEffort, v1.PodQOSBurstable, v1.PodQOSGuaranteed} {
		left := slices.DeleteFunc(slices.Clone(candidates), func(p *v1.Pod) bool { return podstate.QOSClass(p) != class })
		for len(left) > 0 && lacking(need) {
			best := slices.MaxFunc(left, func(a, b *v1.Pod) int {
				return cmp.Or(cmp.Compare(gain(a, need), gain(b, need)), cmp.Compare(amount(v1.ResourceMemory, requestsOf(b)), amount(v1.ResourceMemory, requestsOf(a))))
			})
			left = slices.DeleteFunc(left, func(p *v1.Pod) bool { return p == best })
			if gain(best, need) == 0 {
				break // none of this class helps
			}
			for name := range need {
				need[name] -= freed(best, name)
			}
			out = append(out, best)
		}
	}
	return spare(out, shortages), !lacking(need)
}

// spare drops victims that turned out not to be needed once the larger ones were chosen.
func spare(victims []*v1.Pod, shortages []shortage) []*v1.Pod {
	for i := 0; i < len(victims); {
		rest := slices.Delete(slices.Clone(victims), i, i+1)
		enough := true
		for _, s := range shortages {
			var sum int64
			for _, p := range rest {
				sum += freed(p, s.name)
			}
			enough = enough && sum >= s.missing()
		}
		if enough {
			victims = rest
			continue
		}
		i++
	}
	return victims
}

func lacking(need map[v1.ResourceName]int64) bool {
	for _, n := range need {
		if n > 0 {
			return true
		}
	}
	return false
}

// gain is how far the pod's going brings us, as the sum of the shares of what is still needed.
func gain(pod *v1.Pod, need map[v1.ResourceName]int64) float64 {
	var sum float64
	for name, n := range need {
		if n > 0 {
			sum += min(1, float64(freed(pod, name))/float64(n))
		}
	}
	return sum
}

func freed(pod *v1.Pod, name v1.ResourceName) int64 {
	if name == v1.ResourcePods {
		return 1
	}
	return amount(name, requestsOf(pod))
}

func requestsOf(pod *v1.Pod) v1.ResourceList {
	return resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{UseStatusResources: true})
}
