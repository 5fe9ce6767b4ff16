package admit

import (
	v1 "k8s.io/api/core/v1"
)

// Options are the node's settings.
type Options struct {
	// AllowedUnsafeSysctls are names, or prefixes that end in '*', beyond the safe set.
	AllowedUnsafeSysctls []string
	// OS is the node's operating system; "linux" when empty.
	OS string
	// AppArmor tells whether the node can enforce profiles; Profiles lists the loaded ones when known.
	AppArmor bool
	// Source tells whether the pod came from a file: static pods are not put off by taints.
	Static bool
}

// Decision is the answer.
type Decision struct {
	Admit bool
	// Reason and Message for the pod's status when it is rejected.
	Reason, Message string
	// Preempt are the pods that must go first; the pod is admitted when they are gone.
	Preempt []*v1.Pod
}

// check is one condition; an empty reason passes.
type check func(pod *v1.Pod, node *v1.Node, active []*v1.Pod, opts Options) (reason, message string)

// checks is the one list.
var checks = []check{sysctls, appArmor, operatingSystem, nodeName, affinity, ports, taints}

// Admit decides. active are the other pods that use or will use this node's resources.
func Admit(pod *v1.Pod, node *v1.Node, active []*v1.Pod, opts Options) Decision {
	if opts.OS == "" {
		opts.OS = "linux"
	}
	for _, c := range checks {
		if reason, message := c(pod, node, active, opts); reason != "" {
			return Decision{Reason: reason, Message: message}
		}
	}
	missing := insufficient(pod, node, active)
	if len(missing) == 0 {
		return Decision{Admit: true}
	}
	if Critical(pod) {
		if victims, ok := Victims(pod, active, missing); ok {
			return Decision{Admit: true, Preempt: victims}
		}
	}
	return Decision{Reason: missing[0].reason(), Message: missing[0].message()}
}
