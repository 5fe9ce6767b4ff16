package plan

import (
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

// Decide returns what to do next.
func Decide(in Input) Plan {
	var p Plan
	sandbox := in.Observed.Sandbox()
	ready := in.Observed.ReadySandbox()
	if ready == nil {
		return decideSandbox(in, sandbox)
	}
	d := decider{in: in, plan: &p, sandbox: ready.Id, epoch: epoch(in)}
	if d.restartAll() {
		return p
	}
	d.ephemeral()
	initialized, failed := d.initContainers()
	switch {
	case failed:
		p = Plan{Done: true}
	case initialized:
		if d.regular() {
			p = Plan{Done: true}
		}
	}
	return p
}

// decideSandbox: there is no live sandbox. One is made if anything is left to run in it.
func decideSandbox(in Input, last *runtimeapi.PodSandboxStatus) Plan {
	if last != nil && !anythingLeft(in) {
		return Plan{Done: true}
	}
	p := Plan{CreateSandbox: true}
	if last != nil {
		p.ResetSandbox = true
		if last.Metadata != nil {
			p.SandboxAttempt = last.Metadata.Attempt + 1
		}
	}
	return p
}

// anythingLeft tells whether a container of the pod would run in a new sandbox.
func anythingLeft(in Input) bool {
	for i := range in.Pod.Spec.Containers {
		c := &in.Pod.Spec.Containers[i]
		o := in.Observed.Container(c.Name)
		// A container that was running died with its sandbox; how it ended is not its own doing.
		if o == nil || !o.Exited() || ShouldRestart(in.Pod, Regular, c, o.ExitCode) {
			if o == nil && initFailed(in) {
				continue
			}
			return true
		}
	}
	return false
}

func initFailed(in Input) bool {
	for i := range in.Pod.Spec.InitContainers {
		c := &in.Pod.Spec.InitContainers[i]
		o := in.Observed.Container(c.Name)
		if o.Exited() && o.ExitCode != 0 && !ShouldRestart(in.Pod, Init, c, o.ExitCode) {
			return true
		}
	}
	return false
}

type decider struct {
	in      Input
	plan    *Plan
	sandbox string
	// epoch is when a container last ended with a rule that restarts all containers: what is older counts no more.
	epoch time.Time
}

// here returns the newest attempt of the container in the present sandbox.
func (d *decider) here(name string) *observe.Container {
	if o := d.in.Observed.Container(name); o != nil && o.SandboxID == d.sandbox && !o.CreatedAt.Before(d.epoch) {
		return o
	}
	return nil
}

func (d *decider) busy(o *observe.Container) bool { return d.in.Busy != nil && d.in.Busy(o.ID) }

func (d *decider) probe(o *observe.Container) ProbeState {
	if d.in.Probe == nil {
		return ProbeState{Started: true}
	}
	return d.in.Probe(o)
}

// initContainers walks the init containers in order. It returns whether the regular containers may run, and whether
// an init container failed for good.
func (d *decider) initContainers() (initialized, failed bool) {
	all := d.in.Pod.Spec.InitContainers
	begun := d.regularBegun()
	furthest := -1
	for i := range all {
		if d.here(all[i].Name) != nil {
			furthest = i
		}
	}
	initialized = true
	for i := range all {
		c := &all[i]
		o := d.here(c.Name)
		passed := begun || i < furthest // a later one has run, so this one had done its part
		if IsSidecar(c) {
			if !d.sidecar(c, o) && !passed {
				return false, false
			}
			continue
		}
		if passed && (o == nil || o.Exited()) {
			continue
		}
		switch {
		case o == nil:
			d.again(c)
			return false, false
		case o.Exited() && o.ExitCode == 0:
		case o.Exited() && !ShouldRestart(d.in.Pod, Init, c, o.ExitCode):
			return false, true
		case o.Exited():
			d.start(Init, c, o)
			return false, false
		case o.State == runtimeapi.ContainerState_CONTAINER_CREATED:
			d.replace(Init, c, o)
			return false, false
		default:
			d.maintain(Init, c, o)
			return false, false
		}
	}
	return initialized, false
}

// again starts an init container in this sandbox. It may have run in an earlier one: then this is another attempt, but
// not one to wait for.
func (d *decider) again(c *v1.Container) {
	before := len(d.plan.Start)
	d.start(Init, c, nil)
	if old := d.in.Observed.Container(c.Name); old != nil && len(d.plan.Start) > before {
		d.plan.Start[before].Attempt = old.Attempt + 1
	}
}

// sidecar keeps a restartable init container running; it returns whether the next container may start.
func (d *decider) sidecar(c *v1.Container, o *observe.Container) bool {
	switch {
	case o == nil:
		d.again(c)
		return false
	case o.Exited():
		d.start(Init, c, o)
		return false
	case o.State == runtimeapi.ContainerState_CONTAINER_CREATED:
		d.replace(Init, c, o)
		return false
	}
	d.maintain(Init, c, o)
	return o.Running() && !d.busy(o) && d.probe(o).Started
}

// regularBegun tells whether a regular container has run in this sandbox: initialization is over then, even when the
// init containers have been cleaned away since.
func (d *decider) regularBegun() bool {
	for i := range d.in.Pod.Spec.Containers {
		if d.here(d.in.Pod.Spec.Containers[i].Name) != nil {
			return true
		}
	}
	return false
}

// regular returns whether every regular container has ended for good.
func (d *decider) regular() (done bool) {
	done = true
	for i := range d.in.Pod.Spec.Containers {
		c := &d.in.Pod.Spec.Containers[i]
		o := d.here(c.Name)
		if o == nil {
			// After the sandbox was lost: what had ended for good stays ended.
			if old := d.in.Observed.Container(c.Name); old.Exited() && !old.CreatedAt.Before(d.epoch) && !ShouldRestart(d.in.Pod, Regular, c, old.ExitCode) {
				continue
			}
		}
		switch {
		case o == nil:
			done = false
			d.start(Regular, c, d.in.Observed.Container(c.Name))
		case o.State == runtimeapi.ContainerState_CONTAINER_CREATED:
			done = false
			d.replace(Regular, c, o)
		case o.Exited():
			if ShouldRestart(d.in.Pod, Regular, c, o.ExitCode) || d.changed(o) {
				done = false
				d.start(Regular, c, o)
			}
		default:
			done = false
			d.maintain(Regular, c, o)
		}
	}
	return done
}

// changed: the container was stopped because its spec changed, so it is started again whatever its policy says.
func (d *decider) changed(o *observe.Container) bool {
	return d.in.Replaced != nil && d.in.Replaced(o.ID)
}

// maintain kills a running container that is unhealthy or no longer what the spec asks for.
func (d *decider) maintain(kind Kind, c *v1.Container, o *observe.Container) {
	if !o.Running() || d.busy(o) {
		return
	}
	p := d.probe(o)
	switch {
	case o.Hash != "" && o.Hash != Hash(c) && !(kind == Init && !IsSidecar(c)):
		d.kill(o, KillChanged, fmt.Sprintf("Container %s definition changed, will be restarted", c.Name))
	case p.StartupFailed:
		d.kill(o, KillStartup, d.probeMessage(kind, c, "startup"))
	case p.LivenessFailed:
		d.kill(o, KillLiveness, d.probeMessage(kind, c, "liveness"))
	default:
		d.resize(c, o)
	}
}

func (d *decider) probeMessage(kind Kind, c *v1.Container, probe string) string {
	noun := "Container"
	if kind == Init {
		noun = "Init container"
	}
	m := fmt.Sprintf("%s %s failed %s probe", noun, c.Name, probe)
	// 137 is what a killed container shows; policies that look at the exit code see it as a failure.
	if ShouldRestart(d.in.Pod, kind, c, 137) {
		m += ", will be restarted"
	}
	return m
}

func (d *decider) kill(o *observe.Container, reason KillReason, message string) {
	d.plan.Kill = append(d.plan.Kill, Kill{ID: o.ID, Name: o.Name, Reason: reason, Message: message})
}

// replace handles a container that was created but never started: whoever created it died in between.
func (d *decider) replace(kind Kind, c *v1.Container, o *observe.Container) {
	d.plan.Start = append(d.plan.Start, Start{Kind: kind, Name: c.Name, Attempt: o.Attempt + 1})
}

// start asks for a container to be started, unless its back-off says not yet.
func (d *decider) start(kind Kind, c *v1.Container, last *observe.Container) {
	if until, ok := d.in.Failed[c.Name]; ok && until.After(d.in.Now) {
		d.plan.wakeIn(until.Sub(d.in.Now))
		return
	}
	s := Start{Kind: kind, Name: c.Name}
	if last != nil {
		s.Attempt = last.Attempt + 1
		b := d.in.BackOffs[c.Name]
		if last.Exited() && !last.FinishedAt.IsZero() {
			if left := b.left(last, d.in); left > 0 {
				d.plan.wait(c.Name, Waiting{Reason: "CrashLoopBackOff", Message: backOffMessage(d.in.Pod, c.Name, b.Wait)})
				d.plan.wakeIn(left)
				return
			}
			next := b.next(last, d.in)
			s.BackOff = &next
		}
	}
	d.plan.Start = append(d.plan.Start, s)
}

// ephemeral containers are started once and never again.
func (d *decider) ephemeral() {
	for i := range d.in.Pod.Spec.EphemeralContainers {
		c := v1.Container(d.in.Pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		if d.in.Observed.Container(c.Name) == nil {
			d.start(Ephemeral, &c, nil)
		}
	}
}
