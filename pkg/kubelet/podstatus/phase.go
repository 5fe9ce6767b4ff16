package podstatus

import (
	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

// tally counts the regular containers by state.
type tally struct{ waiting, running, succeeded, failed, restarting int }

// phase derives the phase from the container statuses already computed.
func phase(in Input, s *v1.PodStatus) v1.PodPhase {
	if in.Failure != nil {
		return v1.PodFailed
	}
	initFailed, initializing := initProgress(in, s)
	t := count(in, s)
	if in.Finished {
		return finishedPhase(in, s, t, initFailed)
	}
	switch {
	case initFailed:
		return v1.PodFailed
	case initializing:
		return v1.PodPending
	case t.waiting > 0:
		return v1.PodPending
	case t.running > 0 || t.restarting > 0:
		return v1.PodRunning
	case t.failed > 0:
		return v1.PodFailed
	case t.succeeded > 0:
		return v1.PodSucceeded
	}
	return v1.PodPending
}

// finishedPhase is the phase of a pod of which nothing runs nor will run.
func finishedPhase(in Input, s *v1.PodStatus, t tally, initFailed bool) v1.PodPhase {
	if initFailed || t.failed > 0 || t.waiting > 0 || t.succeeded == 0 && len(in.Pod.Spec.Containers) > 0 {
		return v1.PodFailed
	}
	return v1.PodSucceeded
}

func count(in Input, s *v1.PodStatus) tally {
	var t tally
	for i := range in.Pod.Spec.Containers {
		c := &in.Pod.Spec.Containers[i]
		st := statusOf(s.ContainerStatuses, c.Name)
		switch {
		case st == nil:
			t.waiting++
		case st.State.Running != nil:
			t.running++
		case st.State.Terminated != nil:
			t.ended(in, c, st.State.Terminated.ExitCode)
		case st.LastTerminationState.Terminated != nil:
			t.ended(in, c, st.LastTerminationState.Terminated.ExitCode) // waits to be started again
		default:
			t.waiting++
		}
	}
	return t
}

func (t *tally) ended(in Input, c *v1.Container, code int32) {
	switch {
	case !in.Finished && plan.ShouldRestart(in.Pod, plan.Regular, c, code):
		t.restarting++
	case code == 0:
		t.succeeded++
	default:
		t.failed++
	}
}

// initProgress tells whether an init container failed for good, and whether initialization is still going on.
func initProgress(in Input, s *v1.PodStatus) (failed, initializing bool) {
	for i := range in.Pod.Spec.Containers {
		// Once a regular container has run, initialization is over whatever a sidecar does now.
		st := statusOf(s.ContainerStatuses, in.Pod.Spec.Containers[i].Name)
		if st != nil && (st.State.Running != nil || st.State.Terminated != nil || st.LastTerminationState.Terminated != nil) {
			return false, false
		}
	}
	for i := range in.Pod.Spec.InitContainers {
		c := &in.Pod.Spec.InitContainers[i]
		st := statusOf(s.InitContainerStatuses, c.Name)
		switch {
		case st == nil:
			initializing = true
		case plan.IsSidecar(c):
			if st.Started == nil || !*st.Started {
				initializing = true
			}
		case st.State.Terminated != nil && st.State.Terminated.ExitCode == 0:
		case st.State.Terminated != nil && !plan.ShouldRestart(in.Pod, plan.Init, c, st.State.Terminated.ExitCode):
			failed = true
		default:
			initializing = true
		}
	}
	return failed, initializing
}

func statusOf(all []v1.ContainerStatus, name string) *v1.ContainerStatus {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}
