package podstatus

import (
	"sort"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

const (
	reasonCreating     = "ContainerCreating"
	reasonInitializing = "PodInitializing"
	reasonUnknown      = "ContainerStatusUnknown"
)

func containerStatuses(s *v1.PodStatus, in Input) {
	waiting := v1.ContainerStateWaiting{Reason: reasonCreating}
	if len(in.Pod.Spec.InitContainers) > 0 {
		waiting.Reason = reasonInitializing
	}
	for i := range in.Pod.Spec.InitContainers {
		c := &in.Pod.Spec.InitContainers[i]
		s.InitContainerStatuses = append(s.InitContainerStatuses,
			containerStatus(in, plan.Init, c, statusOf(in.Prior.InitContainerStatuses, c.Name), waiting))
	}
	for i := range in.Pod.Spec.Containers {
		c := &in.Pod.Spec.Containers[i]
		s.ContainerStatuses = append(s.ContainerStatuses,
			containerStatus(in, plan.Regular, c, statusOf(in.Prior.ContainerStatuses, c.Name), waiting))
	}
	sort.SliceStable(s.ContainerStatuses, func(i, j int) bool { return s.ContainerStatuses[i].Name < s.ContainerStatuses[j].Name })
	for i := range in.Pod.Spec.EphemeralContainers {
		c := v1.Container(in.Pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		s.EphemeralContainerStatuses = append(s.EphemeralContainerStatuses, containerStatus(in, plan.Ephemeral, &c,
			statusOf(in.Prior.EphemeralContainerStatuses, c.Name), v1.ContainerStateWaiting{Reason: reasonCreating}))
	}
}

func containerStatus(in Input, kind plan.Kind, c *v1.Container, prior *v1.ContainerStatus, waiting v1.ContainerStateWaiting) v1.ContainerStatus {
	attempts := in.Observed.Attempts(c.Name)
	var st v1.ContainerStatus
	if len(attempts) == 0 {
		st = unseen(in, c, prior, waiting)
	} else {
		st = seen(in, attempts, prior, waiting)
	}
	st.Name = c.Name
	if w, ok := in.Waiting[c.Name]; ok && st.State.Running == nil && !in.Finished {
		if st.State.Terminated != nil {
			st.LastTerminationState = v1.ContainerState{Terminated: st.State.Terminated}
		}
		st.State = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: w.Reason, Message: w.Message}}
	}
	health(in, kind, c, &st, attempts)
	details(in, c, &st, prior, attempts)
	return st
}

// seen: the runtime has at least one attempt.
func seen(in Input, attempts []*observe.Container, prior *v1.ContainerStatus, waiting v1.ContainerStateWaiting) v1.ContainerStatus {
	o := attempts[0]
	st := v1.ContainerStatus{
		RestartCount: int32(o.Attempt), Image: o.Image, ImageID: o.ImageRef, ContainerID: in.containerID(o),
	}
	switch {
	case o.Running():
		st.State.Running = &v1.ContainerStateRunning{StartedAt: metav1.NewTime(o.StartedAt)}
	case o.Exited():
		st.State.Terminated = in.terminated(o)
	default:
		w := waiting
		st.State.Waiting = &w
	}
	if len(attempts) > 1 && attempts[1].Exited() {
		st.LastTerminationState.Terminated = in.terminated(attempts[1])
	} else if prior != nil && prior.RestartCount == st.RestartCount && prior.LastTerminationState.Terminated != nil {
		st.LastTerminationState = prior.LastTerminationState // its container has been cleaned away
	}
	return st
}

// unseen: the runtime has nothing of the container. It was never started, or it was and has been lost.
func unseen(in Input, c *v1.Container, prior *v1.ContainerStatus, waiting v1.ContainerStateWaiting) v1.ContainerStatus {
	st := v1.ContainerStatus{Image: c.Image}
	if prior == nil {
		w := waiting
		st.State.Waiting = &w
		return st
	}
	st.RestartCount, st.LastTerminationState = prior.RestartCount, prior.LastTerminationState
	st.ImageID, st.ContainerID = prior.ImageID, prior.ContainerID
	switch {
	case prior.State.Terminated != nil:
		st.State = prior.State // it ended as the API knows, and was cleaned away
		st.Image = prior.Image
	case prior.State.Running != nil:
		lost := v1.ContainerState{Terminated: &v1.ContainerStateTerminated{ExitCode: 137, Reason: reasonUnknown,
			Message: "The container could not be located when the pod was terminated", ContainerID: prior.ContainerID}}
		if in.Finished || in.Pod.DeletionTimestamp != nil {
			st.State = lost
			break
		}
		lost.Terminated.Message = "The container could not be located when the pod was deleted.  The container used to be Running"
		st.LastTerminationState = lost
		w := waiting
		st.State.Waiting = &w
		st.RestartCount++
	default:
		w := waiting
		st.State.Waiting = &w
	}
	return st
}

func (in Input) containerID(o *observe.Container) string { return in.RuntimeName + "://" + o.ID }

func (in Input) terminated(o *observe.Container) *v1.ContainerStateTerminated {
	t := &v1.ContainerStateTerminated{
		ExitCode: o.ExitCode, Reason: o.Reason, Message: o.Message, ContainerID: in.containerID(o),
		StartedAt: metav1.NewTime(o.StartedAt), FinishedAt: metav1.NewTime(o.FinishedAt),
	}
	if t.Reason == "" {
		t.Reason = "Error"
		if t.ExitCode == 0 {
			t.Reason = "Completed"
		}
	}
	return t
}

// health fills Started and Ready.
func health(in Input, kind plan.Kind, c *v1.Container, st *v1.ContainerStatus, attempts []*observe.Container) {
	var h Health
	if st.State.Running != nil && len(attempts) > 0 && in.Health != nil {
		h = in.Health(attempts[0])
	}
	if kind == plan.Ephemeral {
		return
	}
	if kind == plan.Init && !plan.IsSidecar(c) {
		// An init container is ready once it has succeeded.
		st.Ready = st.State.Terminated != nil && st.State.Terminated.ExitCode == 0
		started := st.State.Running != nil
		st.Started = &started
		return
	}
	st.Started, st.Ready = &h.Started, h.Started && h.Ready
}
