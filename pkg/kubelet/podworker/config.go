package podworker

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"
	internalapi "k8s.io/cri-api/pkg/apis"
	"k8s.io/utils/clock"
)

// Config of a Manager. The interfaces are the rooms; the rest is node configuration.
type Config struct {
	NodeName, Hostname string
	// RootDir is the kubelet's directory; pods live in RootDir/pods/UID.
	RootDir string
	// LogsDir holds container logs (/var/log/pods), LinksDir the flat links to them (/var/log/containers).
	LogsDir, LinksDir string

	Runtime     internalapi.RuntimeService
	ImageStatus internalapi.ImageManagerService
	RuntimeName string

	Observer Observer
	Images   Images
	Objects  Objects
	Volumes  Volumes
	Cgroups  Cgroups
	DNS      DNS
	Probes   Probes
	Devices  Devices
	Reporter Reporter
	Recorder record.EventRecorder

	// Admit decides about a new pod among the others that are active.
	Admit func(pod *v1.Pod, active []*v1.Pod) Decision
	// CheckResize tells why a resize of the pod cannot be given now ("" when it can).
	CheckResize func(pod *v1.Pod, active []*v1.Pod) (reason, message string)
	// Services returns the services of a namespace for environment variables; ok is false before they are known.
	Services func(namespace string) (services []*v1.Service, ok bool)
	// RuntimeHandler resolves a RuntimeClass; "" is the runtime's default.
	RuntimeHandler func(ctx context.Context, class string) (string, error)
	// Node as last reported, for resource defaults; HostIPs primary first.
	Node    func() *v1.Node
	HostIPs func() []string
	// PodsChanged is told when a pod was admitted or ended, for what depends on the sum of pods. May be nil.
	PodsChanged func()
	// Worked is told how long one look at a pod took: one that leads it on ("sync") or ends it ("kill"). May be nil.
	Worked func(operation string, took time.Duration)
	// PodStarted is told when a pod that this process has seen waiting runs, and how long that took. May be nil.
	PodStarted func(took time.Duration)

	// SeccompDefault makes RuntimeDefault the profile of containers that ask for none.
	SeccompDefault bool
	// CPUCFSQuota enforces cpu limits over CPUCFSQuotaPeriod.
	CPUCFSQuota       bool
	CPUCFSQuotaPeriod time.Duration
	// CgroupV2 and MemoryCapacity of the machine.
	CgroupV2       bool
	MemoryCapacity int64
	// AppArmor and SELinux: whether the host has them.
	AppArmor bool
	// FirstBackOff and MaxBackOff of container restarts.
	FirstBackOff, MaxBackOff time.Duration

	Clock clock.WithTicker
}

func (c *Config) setDefaults() error {
	switch {
	case c.Runtime == nil:
		return fmt.Errorf("pod workers: no runtime")
	case c.Observer == nil || c.Images == nil || c.Objects == nil || c.Volumes == nil || c.Cgroups == nil || c.DNS == nil || c.Probes == nil || c.Reporter == nil:
		return fmt.Errorf("pod workers: a room is missing")
	}
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if c.FirstBackOff == 0 {
		c.FirstBackOff = 10 * time.Second
	}
	if c.MaxBackOff == 0 {
		c.MaxBackOff = 5 * time.Minute
	}
	if c.CPUCFSQuotaPeriod == 0 {
		c.CPUCFSQuotaPeriod = 100 * time.Millisecond
	}
	if c.Admit == nil {
		c.Admit = func(*v1.Pod, []*v1.Pod) Decision { return Decision{Admit: true} }
	}
	if c.Worked == nil {
		c.Worked = func(string, time.Duration) {}
	}
	if c.PodStarted == nil {
		c.PodStarted = func(time.Duration) {}
	}
	if c.PodsChanged == nil {
		c.PodsChanged = func() {}
	}
	if c.Services == nil {
		c.Services = func(string) ([]*v1.Service, bool) { return nil, true }
	}
	if c.HostIPs == nil {
		c.HostIPs = func() []string { return nil }
	}
	if c.RuntimeHandler == nil {
		c.RuntimeHandler = func(context.Context, string) (string, error) { return "", nil }
	}
	return nil
}
