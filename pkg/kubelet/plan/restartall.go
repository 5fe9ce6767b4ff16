package plan

import (
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
)

// A restart rule with action RestartAllContainers (KEP-5532) makes the pod begin anew in its sandbox: all containers
// are stopped, then init containers and regular ones are started as in a new pod. Nothing is remembered for it: every
// container made before the end that asked for it is of the past.

// epoch is when a container last ended so that all must be restarted.
func epoch(in Input) time.Time {
	var last time.Time
	for _, list := range [][]v1.Container{in.Pod.Spec.InitContainers, in.Pod.Spec.Containers} {
		for i := range list {
			for _, o := range in.Observed.Attempts(list[i].Name) {
				if !o.Exited() {
					continue
				}
				action, ok := matchingRule(&list[i], o.ExitCode)
				if ok && action == v1.ContainerRestartRuleActionRestartAllContainers && o.FinishedAt.After(last) {
					last = o.FinishedAt
				}
			}
		}
	}
	return last
}

// restartAll stops what is of the past. It returns whether anything of it still runs: then nothing is started yet.
func (d *decider) restartAll() bool {
	if d.epoch.IsZero() {
		return false
	}
	for _, o := range d.in.Observed.Containers {
		if !o.Running() || !o.CreatedAt.Before(d.epoch) || ephemeralNamed(d.in.Pod, o.Name) {
			continue
		}
		d.plan.RestartingAll = true
		if !d.busy(o) {
			d.kill(o, KillAll, fmt.Sprintf("Container %s will be restarted because all containers of the pod are", o.Name))
		}
	}
	return d.plan.RestartingAll
}

func ephemeralNamed(pod *v1.Pod, name string) bool {
	for i := range pod.Spec.EphemeralContainers {
		if pod.Spec.EphemeralContainers[i].Name == name {
			return true
		}
	}
	return false
}
