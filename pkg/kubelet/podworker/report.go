package podworker

import (
	"fmt"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
	"tiphys.dev/tiphys/pkg/kubelet/podstatus"
)

// report computes the pod's status and hands it to the reporter, unless it is not to be sent yet.
func (w *worker) report(pod *v1.Pod, in podstatus.Input, send bool) v1.PodStatus {
	in.Pod = pod
	in.Observed = w.m.cfg.Observer.Get(w.uid)
	in.Prior = w.prior(pod)
	in.HostIPs = w.m.cfg.HostIPs()
	in.RuntimeName = w.m.cfg.RuntimeName
	in.StartTime = w.firstSeen
	in.Now = w.m.cfg.Clock.Now()
	in.Health = func(c *observe.Container) podstatus.Health { return w.health(pod, c) }
	in.Resize = w.resizeConditions()
	in.Settled = func(c *v1.Container) bool { return w.settled(pod, c) }
	s := podstatus.Generate(in)
	w.mu.Lock()
	started := w.reported && w.status.Phase == v1.PodPending && s.Phase == v1.PodRunning
	w.status, w.reported = s, true
	w.mu.Unlock()
	if started {
		w.m.cfg.PodStarted(in.Now.Sub(w.firstSeen))
	}
	if send {
		w.m.cfg.Reporter.Set(pod, s)
	}
	return s
}

// prior is the status to build on: our own last one, with what others own taken from the API.
func (w *worker) prior(pod *v1.Pod) v1.PodStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.reported {
		return pod.Status
	}
	s := w.status
	s.Conditions = nil
	for _, c := range w.status.Conditions {
		if podstatus.Owned(c.Type) {
			s.Conditions = append(s.Conditions, c)
		}
	}
	for _, c := range pod.Status.Conditions {
		if !podstatus.Owned(c.Type) {
			s.Conditions = append(s.Conditions, c)
		}
	}
	s.NominatedNodeName = pod.Status.NominatedNodeName
	s.ResourceClaimStatuses = pod.Status.ResourceClaimStatuses
	s.ExtendedResourceClaimStatus = pod.Status.ExtendedResourceClaimStatus
	s.NodeAllocatableResourceClaimStatuses = pod.Status.NodeAllocatableResourceClaimStatuses
	return s
}

// waitingReasons joins what the plan says with the starts that failed.
func (w *worker) waitingReasons(p plan.Plan) map[string]waiting {
	all := map[string]waiting{}
	w.mu.Lock()
	for name, f := range w.failed {
		if f.waiting.Reason != "" {
			all[name] = f.waiting
		}
	}
	w.mu.Unlock()
	for name, r := range p.Waiting {
		all[name] = r
	}
	return all
}

// track tells the probes which containers run.
func (w *worker) track(pod *v1.Pod, observed *observe.Pod) {
	ip := ""
	if pod.Spec.HostNetwork {
		if ips := w.m.cfg.HostIPs(); len(ips) > 0 {
			ip = ips[0]
		}
	} else if ips := observed.IPs(); len(ips) > 0 {
		ip = ips[0]
	}
	var all []Tracked
	seen := map[string]bool{}
	for _, c := range observed.Containers {
		if seen[c.Name] {
			continue
		}
		seen[c.Name] = true
		all = append(all, Tracked{Observed: c, ID: w.containerID(c), Running: c.Running()})
	}
	w.m.cfg.Probes.Track(pod, ip, all)
}

func (w *worker) containerID(c *observe.Container) string { return w.m.cfg.RuntimeName + "://" + c.ID }

func specOf(pod *v1.Pod, name string) (*v1.Container, plan.Kind) {
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Name == name {
			return &pod.Spec.Containers[i], plan.Regular
		}
	}
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == name {
			return &pod.Spec.InitContainers[i], plan.Init
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		if pod.Spec.EphemeralContainers[i].Name == name {
			c := v1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
			return &c, plan.Ephemeral
		}
	}
	return nil, ""
}

// health is what the probes say about a running container. Before the first result for this very container, what the
// API knows of it stands: so a kubelet's restart does not make pods unready.
func (w *worker) health(pod *v1.Pod, c *observe.Container) podstatus.Health {
	spec, _ := specOf(pod, c.Name)
	if spec == nil {
		return podstatus.Health{Started: true, Ready: true}
	}
	w.mu.Lock()
	hook := w.hooks[c.ID]
	w.mu.Unlock()
	if hook {
		return podstatus.Health{}
	}
	id := w.containerID(c)
	known := priorStatus(pod, c.Name, id)
	h := podstatus.Health{Started: spec.StartupProbe == nil, Ready: spec.ReadinessProbe == nil}
	if spec.StartupProbe != nil {
		ok, any := w.m.cfg.Probes.Get(w.uid, c.Name, id, Startup)
		h.Started = ok || !any && known != nil && known.Started != nil && *known.Started
	}
	if spec.ReadinessProbe != nil {
		ok, any := w.m.cfg.Probes.Get(w.uid, c.Name, id, Readiness)
		h.Ready = ok || !any && known != nil && known.Ready
	}
	return h
}

func priorStatus(pod *v1.Pod, name, id string) *v1.ContainerStatus {
	for _, list := range [][]v1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for i := range list {
			if list[i].Name == name && list[i].ContainerID == id {
				return &list[i]
			}
		}
	}
	return nil
}

func (w *worker) probeState(pod *v1.Pod, c *observe.Container) plan.ProbeState {
	spec, _ := specOf(pod, c.Name)
	state := plan.ProbeState{Started: w.health(pod, c).Started}
	if spec == nil {
		return state
	}
	id := w.containerID(c)
	if spec.LivenessProbe != nil {
		ok, known := w.m.cfg.Probes.Get(w.uid, c.Name, id, Liveness)
		state.LivenessFailed = known && !ok
	}
	if spec.StartupProbe != nil {
		ok, known := w.m.cfg.Probes.Get(w.uid, c.Name, id, Startup)
		state.StartupFailed = known && !ok
	}
	return state
}

// event records an event on the pod or one of its containers.
func (w *worker) event(pod *v1.Pod, container, kind, reason, message string) {
	w.m.Event(pod, container, kind, reason, message)
}

// Event records an event on the pod or, with a field path, on one of its containers.
func (m *Manager) Event(pod *v1.Pod, container, kind, reason, message string) {
	if pod == nil || m.cfg.Recorder == nil {
		return
	}
	ref := &v1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		ResourceVersion: pod.ResourceVersion, FieldPath: fieldPath(pod, container)}
	m.cfg.Recorder.Event(ref, kind, reason, message)
}

func fieldPath(pod *v1.Pod, container string) string {
	if container == "" {
		return ""
	}
	switch _, kind := specOf(pod, container); kind {
	case plan.Regular:
		return fmt.Sprintf("spec.containers{%s}", container)
	case plan.Init:
		return fmt.Sprintf("spec.initContainers{%s}", container)
	case plan.Ephemeral:
		return fmt.Sprintf("spec.ephemeralContainers{%s}", container)
	}
	return ""
}
