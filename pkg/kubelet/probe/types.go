package probe

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/component-base/metrics"
	"k8s.io/utils/clock"
)

// Type is the kind of a probe.
type Type int

// The kinds of probes.
const (
	Startup Type = iota
	Readiness
	Liveness
)

func (t Type) String() string {
	return [...]string{"Startup", "Readiness", "Liveness"}[t]
}

// Outcome is what a probe found, after its thresholds.
type Outcome int

// The outcomes.
const (
	Unknown Outcome = iota
	Success
	Failure
)

func (o Outcome) String() string {
	return [...]string{"unknown", "success", "failure"}[o]
}

// Container is one container as it runs.
type Container struct {
	Name string
	// ID as in the pod's status, "containerd://...".
	ID        string
	Running   bool
	StartedAt time.Time
}

// Result is a changed outcome.
type Result struct {
	PodUID      types.UID
	Container   string
	ContainerID string
	Type        Type
	Outcome     Outcome
	Message     string
}

// Exec runs a command in a container. A command that ends with another status than zero returns an error with ExitStatus() int.
type Exec func(ctx context.Context, containerID string, cmd []string, timeout time.Duration) (stdout, stderr []byte, err error)

// Config is what a Manager is built from.
type Config struct {
	Exec     Exec
	Recorder record.EventRecorder
	// Registry takes the prober's metrics; may be nil.
	Registry metrics.KubeRegistry
	// Clock is the real one when nil.
	Clock clock.WithTicker
}

// probeOf returns the container's probe of a kind, nil for none.
func probeOf(c *v1.Container, t Type) *v1.Probe {
	switch t {
	case Startup:
		return c.StartupProbe
	case Readiness:
		return c.ReadinessProbe
	default:
		return c.LivenessProbe
	}
}
