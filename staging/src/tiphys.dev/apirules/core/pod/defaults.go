package pod

import (
	v1 "k8s.io/api/core/v1"

	"tiphys.dev/apirules/core/podspec"
	"tiphys.dev/apirules/core/resources"
)

// SetDefaults fills in what a pod leaves open.
func SetDefaults(obj *v1.Pod) {
	podspec.SetPodDefaults(&obj.Spec)
	resources.SetDefaults(obj.Status.AllocatedResources)
	setStatusAddresses(&obj.Status)
}

// setStatusAddresses keeps the single address equal to the first of the list, for clients that know only one of the two.
func setStatusAddresses(s *v1.PodStatus) {
	switch {
	case s.PodIP != "" && (len(s.PodIPs) == 0 || s.PodIPs[0].IP != s.PodIP):
		s.PodIPs = []v1.PodIP{{IP: s.PodIP}}
	case s.PodIP == "" && len(s.PodIPs) > 0:
		s.PodIP = s.PodIPs[0].IP
	}
}

// NormalizeGracePeriod makes a negative period the shortest one. A template keeps what it says, so this is no default.
func NormalizeGracePeriod(spec *v1.PodSpec) {
	if p := spec.TerminationGracePeriodSeconds; p != nil && *p < 0 {
		shortest := int64(1)
		spec.TerminationGracePeriodSeconds = &shortest
	}
}
