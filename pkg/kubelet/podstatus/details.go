package podstatus

import (
	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

// details fills what describes the container rather than its state: resources in force, mounts, user.
func details(in Input, c *v1.Container, st, prior *v1.ContainerStatus, attempts []*observe.Container) {
	if len(c.Resources.Requests) > 0 {
		st.AllocatedResources = c.Resources.Requests.DeepCopy()
	}
	st.Resources = c.Resources.DeepCopy()
	if in.Settled != nil && !in.Settled(c) && prior != nil && prior.Resources != nil {
		st.Resources = prior.Resources.DeepCopy() // not yet what is promised: what was before
	}
	st.VolumeMounts = mounts(c)
	if len(attempts) == 0 || st.State.Running == nil {
		return
	}
	if u := attempts[0].User; u != nil {
		st.User = &v1.ContainerUser{Linux: &v1.LinuxContainerUser{UID: u.Uid, GID: u.Gid, SupplementalGroups: u.SupplementalGroups}}
	}
	if c.Lifecycle != nil && c.Lifecycle.StopSignal != nil {
		signal := *c.Lifecycle.StopSignal
		st.StopSignal = &signal
	}
}

func mounts(c *v1.Container) []v1.VolumeMountStatus {
	var all []v1.VolumeMountStatus
	for _, m := range c.VolumeMounts {
		s := v1.VolumeMountStatus{Name: m.Name, MountPath: m.MountPath, ReadOnly: m.ReadOnly}
		if m.ReadOnly {
			mode := v1.RecursiveReadOnlyDisabled
			if m.RecursiveReadOnly != nil && *m.RecursiveReadOnly != v1.RecursiveReadOnlyDisabled {
				mode = v1.RecursiveReadOnlyEnabled
			}
			s.RecursiveReadOnly = &mode
		}
		all = append(all, s)
	}
	return all
}
