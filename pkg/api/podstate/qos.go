package podstate

import (
	v1 "k8s.io/api/core/v1"

	rules "tiphys.dev/apirules/core/pod"
)

// QOSClass returns the class the pod is in: the recorded one where the API server has set it (it never changes after
// creation), else the computed one.
func QOSClass(pod *v1.Pod) v1.PodQOSClass {
	if pod.Status.QOSClass != "" {
		return pod.Status.QOSClass
	}
	return ComputeQOSClass(pod)
}

// ComputeQOSClass derives the class from the requests and limits of cpu and memory, by the rule of the API.
// See https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/.
func ComputeQOSClass(pod *v1.Pod) v1.PodQOSClass { return rules.QOSClass(pod) }
