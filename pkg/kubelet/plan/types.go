package plan

import (
	"time"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

// Kind of a container within the pod spec.
type Kind string

const (
	Init      Kind = "init"
	Regular   Kind = "regular"
	Ephemeral Kind = "ephemeral"
)

// ProbeState is what the probes say about one container attempt.
type ProbeState struct {
	// Started: the startup probe has succeeded, or there is none.
	Started bool
	// LivenessFailed and StartupFailed: the container must be killed.
	LivenessFailed, StartupFailed bool
}

// BackOff is the restart back-off of one container: the last wait and the end it was counted from.
type BackOff struct {
	Wait time.Duration
	From time.Time
}

// Input is everything a decision depends on.
type Input struct {
	Pod      *v1.Pod
	Observed *observe.Pod
	Now      time.Time
	// Probe tells about a running container.
	Probe func(c *observe.Container) ProbeState
	// Busy tells that the container is being killed: it is left alone.
	Busy func(id string) bool
	// Wanted is what the container's cgroup should hold; nil: its resources are not compared.
	Wanted func(c *v1.Container) *runtimeapi.LinuxContainerResources
	// Replaced tells that the container was killed because its definition changed.
	Replaced func(id string) bool
	// BackOffs by container name; read only.
	BackOffs map[string]BackOff
	// Failed holds the containers whose last start failed before they ran, and when to try again (by name).
	Failed map[string]time.Time
	// FirstBackOff and MaxBackOff bound the restart back-off.
	FirstBackOff, MaxBackOff time.Duration
}

// Start one container.
type Start struct {
	Kind    Kind
	Name    string
	Attempt uint32
	// BackOff to remember for the container from now on.
	BackOff *BackOff
}

// Kill one container.
type Kill struct {
	ID, Name string
	Message  string
	Reason   KillReason
}

// KillReason says why, for the grace period (a probe may have its own) and the status.
type KillReason string

const (
	KillLiveness KillReason = "liveness"
	KillStartup  KillReason = "startup"
	KillChanged  KillReason = "changed"
	KillAll      KillReason = "all"
	KillResize   KillReason = "resize"
)

// Waiting tells why a container that should run does not yet.
type Waiting struct{ Reason, Message string }

// Plan is what to do now.
type Plan struct {
	// Done: no container will ever run again. Everything that is left is to be stopped.
	Done bool
	// ResetSandbox: the newest sandbox is dead; stop it and all its containers before anything else.
	ResetSandbox bool
	// CreateSandbox with SandboxAttempt.
	CreateSandbox  bool
	SandboxAttempt uint32
	// Start in this order.
	Start []Start
	Kill  []Kill
	// RestartingAll: a restart rule asked for all containers to be started anew, and old ones still run.
	RestartingAll bool
	// Resize these running containers in place (IDs).
	Resize []string
	// Waiting reasons by container name.
	Waiting map[string]Waiting
	// Wake: decide again after this time even if nothing happens; 0 means never.
	Wake time.Duration
}

func (p *Plan) wakeIn(d time.Duration) {
	if d <= 0 {
		d = time.Millisecond
	}
	if p.Wake == 0 || d < p.Wake {
		p.Wake = d
	}
}

func (p *Plan) wait(name string, w Waiting) {
	if p.Waiting == nil {
		p.Waiting = map[string]Waiting{}
	}
	p.Waiting[name] = w
}
