package probe

import (
	v1 "k8s.io/api/core/v1"
)

// SetReadiness fills Started and Ready of the container statuses from what the probes found. The status belongs to the caller.
func (m *Manager) SetReadiness(pod *v1.Pod, status *v1.PodStatus) {
	for i := range status.ContainerStatuses {
		m.setReady(pod, &status.ContainerStatuses[i])
	}
	for i := range status.InitContainerStatuses {
		s := &status.InitContainerStatuses[i]
		spec := specOf(pod, s.Name)
		if spec != nil && spec.RestartPolicy != nil && *spec.RestartPolicy == v1.ContainerRestartPolicyAlways {
			m.setReady(pod, s)
			continue
		}
		no := false
		s.Started = &no
		s.Ready = s.State.Terminated != nil && s.State.Terminated.ExitCode == 0
	}
}

func (m *Manager) setReady(pod *v1.Pod, s *v1.ContainerStatus) {
	started := false
	s.Started, s.Ready = &started, false
	spec := specOf(pod, s.Name)
	if s.State.Running == nil || spec == nil {
		return
	}
	started = spec.StartupProbe == nil || m.is(pod, s, Startup)
	s.Ready = started && (spec.ReadinessProbe == nil || m.is(pod, s, Readiness))
}

func (m *Manager) is(pod *v1.Pod, s *v1.ContainerStatus, t Type) bool {
	outcome, known := m.Get(pod.UID, s.Name, s.ContainerID, t)
	return known && outcome == Success
}
