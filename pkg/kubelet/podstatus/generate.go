package podstatus

import (
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// Generate computes the status.
func Generate(in Input) v1.PodStatus {
	s := v1.PodStatus{
		ObservedGeneration:                   in.Pod.Generation,
		Conditions:                           append([]v1.PodCondition(nil), in.Prior.Conditions...),
		NominatedNodeName:                    in.Prior.NominatedNodeName,
		StartTime:                            in.Prior.StartTime,
		QOSClass:                             podstate.QOSClass(in.Pod),
		ResourceClaimStatuses:                in.Prior.ResourceClaimStatuses,
		ExtendedResourceClaimStatus:          in.Prior.ExtendedResourceClaimStatus,
		NodeAllocatableResourceClaimStatuses: in.Prior.NodeAllocatableResourceClaimStatuses,
	}
	if s.StartTime == nil && !in.StartTime.IsZero() {
		t := metav1.NewTime(in.StartTime)
		s.StartTime = &t
	}
	if in.Rejected {
		rejected(&s, in)
		return s
	}
	if r := in.Pod.Spec.Resources; r != nil {
		s.Resources, s.AllocatedResources = r.DeepCopy(), r.Requests.DeepCopy()
	}
	addresses(&s, in)
	containerStatuses(&s, in)
	s.Phase = phase(in, &s)
	keepPhase(&s, in)
	if in.Failure != nil {
		s.Reason, s.Message = in.Failure.Reason, in.Failure.Message
		if in.Failure.Condition != nil {
			set(&s, in, *in.Failure.Condition)
		}
	} else if terminal(in.Prior.Phase) || in.Pod.DeletionTimestamp != nil {
		s.Reason, s.Message = in.Prior.Reason, in.Prior.Message
	}
	conditions(&s, in)
	return s
}

// rejected is the status of a pod that the node refused: no container ever existed.
func rejected(s *v1.PodStatus, in Input) {
	s.Phase = v1.PodFailed
	if in.Failure != nil {
		s.Reason, s.Message = in.Failure.Reason, in.Failure.Message
		if in.Failure.Condition != nil {
			set(s, in, *in.Failure.Condition)
		}
	}
	s.InitContainerStatuses, s.ContainerStatuses = in.Prior.InitContainerStatuses, in.Prior.ContainerStatuses
}

func terminal(p v1.PodPhase) bool { return p == v1.PodSucceeded || p == v1.PodFailed }

// keepPhase never lets a terminal phase be taken back, nor be shown while a container may be running.
func keepPhase(s *v1.PodStatus, in Input) {
	if terminal(in.Prior.Phase) {
		s.Phase = in.Prior.Phase
		return
	}
	if terminal(s.Phase) && !in.Finished && in.Observed.AnyRunning() {
		s.Phase = in.Prior.Phase
		if s.Phase == "" {
			s.Phase = v1.PodPending
		}
		// A pod whose containers ran is at least running.
		if s.Phase == v1.PodPending {
			s.Phase = v1.PodRunning
		}
	}
}

func addresses(s *v1.PodStatus, in Input) {
	for i, ip := range in.HostIPs {
		if i == 0 {
			s.HostIP = ip
		}
		s.HostIPs = append(s.HostIPs, v1.HostIP{IP: ip})
	}
	ips := in.Observed.IPs()
	if in.Pod.Spec.HostNetwork && in.Observed.Sandbox() != nil {
		ips = in.HostIPs
	}
	if len(ips) == 0 && in.Observed.ReadySandbox() == nil {
		// The last known address stays visible until the pod is gone.
		s.PodIP, s.PodIPs = in.Prior.PodIP, in.Prior.PodIPs
		return
	}
	for i, ip := range ips {
		if i == 0 {
			s.PodIP = ip
		}
		s.PodIPs = append(s.PodIPs, v1.PodIP{IP: ip})
	}
}
