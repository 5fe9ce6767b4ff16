package podstatus

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

// Owned tells whether the kubelet writes the condition; all others belong to somebody else and are left alone.
func Owned(t v1.PodConditionType) bool {
	switch t {
	case v1.PodReadyToStartContainers, v1.PodInitialized, v1.PodReady, v1.ContainersReady, v1.PodScheduled,
		v1.AllContainersRestarting, v1.PodResizePending, v1.PodResizeInProgress:
		return true
	}
	return false
}

func conditions(s *v1.PodStatus, in Input) {
	s.Conditions = slices.DeleteFunc(s.Conditions, func(c v1.PodCondition) bool {
		return c.Type == v1.PodResizePending && !has(in.Resize, c.Type) || c.Type == v1.PodResizeInProgress && !has(in.Resize, c.Type)
	})
	for _, c := range in.Resize {
		set(s, in, c)
	}
	if in.RestartingAll || has(s.Conditions, v1.AllContainersRestarting) {
		set(s, in, v1.PodCondition{Type: v1.AllContainersRestarting, Status: truth(in.RestartingAll)})
	}
	ready := in.Observed.ReadySandbox() != nil && (in.Pod.Spec.HostNetwork || len(in.Observed.IPs()) > 0)
	set(s, in, v1.PodCondition{Type: v1.PodReadyToStartContainers, Status: truth(ready && !in.Finished)})
	set(s, in, initialized(s, in))
	containers := containersReady(s, in)
	set(s, in, containers)
	set(s, in, podReady(s, in, containers))
	set(s, in, v1.PodCondition{Type: v1.PodScheduled, Status: v1.ConditionTrue})
}

func has(all []v1.PodCondition, t v1.PodConditionType) bool {
	return slices.ContainsFunc(all, func(c v1.PodCondition) bool { return c.Type == t })
}

func truth(b bool) v1.ConditionStatus {
	if b {
		return v1.ConditionTrue
	}
	return v1.ConditionFalse
}

func set(s *v1.PodStatus, in Input, c v1.PodCondition) {
	c.ObservedGeneration = in.Pod.Generation
	podstate.SetCondition(s, c, metav1.NewTime(in.Now))
}

func initialized(s *v1.PodStatus, in Input) v1.PodCondition {
	c := v1.PodCondition{Type: v1.PodInitialized, Status: v1.ConditionTrue}
	if s.Phase == v1.PodSucceeded {
		c.Reason = "PodCompleted"
		return c
	}
	var incomplete []string
	begun := false
	for i := range s.ContainerStatuses {
		if st := &s.ContainerStatuses[i]; st.State.Running != nil || st.State.Terminated != nil || st.LastTerminationState.Terminated != nil {
			begun = true
		}
	}
	for i := range in.Pod.Spec.InitContainers {
		spec := &in.Pod.Spec.InitContainers[i]
		st := statusOf(s.InitContainerStatuses, spec.Name)
		switch {
		case plan.IsSidecar(spec):
			if !begun && (st == nil || st.Started == nil || !*st.Started) {
				incomplete = append(incomplete, spec.Name)
			}
		case st == nil || !st.Ready:
			incomplete = append(incomplete, spec.Name)
		}
	}
	if len(incomplete) > 0 {
		c.Status, c.Reason = v1.ConditionFalse, "ContainersNotInitialized"
		c.Message = fmt.Sprintf("containers with incomplete status: [%s]", strings.Join(incomplete, " "))
	}
	return c
}

func containersReady(s *v1.PodStatus, in Input) v1.PodCondition {
	c := v1.PodCondition{Type: v1.ContainersReady, Status: v1.ConditionTrue}
	switch s.Phase {
	case v1.PodSucceeded:
		return v1.PodCondition{Type: c.Type, Status: v1.ConditionFalse, Reason: "PodCompleted"}
	case v1.PodFailed:
		return v1.PodCondition{Type: c.Type, Status: v1.ConditionFalse, Reason: "PodFailed"}
	}
	var unready []string
	for i := range in.Pod.Spec.InitContainers {
		spec := &in.Pod.Spec.InitContainers[i]
		if st := statusOf(s.InitContainerStatuses, spec.Name); plan.IsSidecar(spec) && (st == nil || !st.Ready) {
			unready = append(unready, spec.Name)
		}
	}
	for i := range in.Pod.Spec.Containers {
		name := in.Pod.Spec.Containers[i].Name
		if st := statusOf(s.ContainerStatuses, name); st == nil || !st.Ready {
			unready = append(unready, name)
		}
	}
	if len(unready) > 0 {
		c.Status, c.Reason = v1.ConditionFalse, "ContainersNotReady"
		c.Message = fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
	}
	return c
}

// podReady is the containers' readiness and every readiness gate's condition.
func podReady(s *v1.PodStatus, in Input, containers v1.PodCondition) v1.PodCondition {
	c := containers
	c.Type = v1.PodReady
	if c.Status != v1.ConditionTrue {
		return c
	}
	var problems []string
	for _, gate := range in.Pod.Spec.ReadinessGates {
		g := podstate.Condition(&v1.Pod{Status: *s}, gate.ConditionType)
		switch {
		case g == nil:
			problems = append(problems, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", string(gate.ConditionType)))
		case g.Status != v1.ConditionTrue:
			problems = append(problems, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", string(gate.ConditionType), g.Status))
		}
	}
	if len(problems) > 0 {
		c.Status, c.Reason, c.Message = v1.ConditionFalse, "ReadinessGatesNotReady", strings.Join(problems, ", ")
	}
	return c
}
