package podworker

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/image"
	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
	"tiphys.dev/tiphys/pkg/kubelet/podstatus"
)

// Observer is what runs.
type Observer interface {
	Get(uid types.UID) *observe.Pod
	Refresh(ctx context.Context, uid types.UID) (*observe.Pod, error)
}

// Images makes images present.
type Images interface {
	Ensure(ctx context.Context, r image.Request) (string, error)
	Forget(pod types.UID)
}

// Objects are the ConfigMaps and Secrets of the node's pods.
type Objects interface {
	ConfigMap(ctx context.Context, namespace, name string) (*v1.ConfigMap, error)
	Secret(ctx context.Context, namespace, name string) (*v1.Secret, error)
	Register(pod *v1.Pod)
	Unregister(uid types.UID)
}

// Volumes sets up and takes down the volumes of a pod.
type Volumes interface {
	Mount(ctx context.Context, pod *v1.Pod) error
	ContainerMounts(pod *v1.Pod, c *v1.Container, env map[string]string) ([]*runtimeapi.Mount, error)
	Devices(pod *v1.Pod, c *v1.Container) ([]*runtimeapi.Device, error)
	Resync(ctx context.Context, pod *v1.Pod) error
	Unmount(ctx context.Context, uid types.UID) error
	RemovePodDir(uid types.UID) error
}

// Cgroups makes and removes the cgroup of a pod.
type Cgroups interface {
	EnsurePod(ctx context.Context, pod *v1.Pod) (parent string, err error)
	UpdatePod(ctx context.Context, pod *v1.Pod) error
	// GrowPod raises the pod's limits to what it needs where they are lower, and lowers none.
	GrowPod(ctx context.Context, pod *v1.Pod) error
	RemovePod(ctx context.Context, uid types.UID) error
}

// DNS configures names for a pod.
type DNS interface {
	PodDNS(pod *v1.Pod) (*runtimeapi.DNSConfig, error)
	PodHostname(pod *v1.Pod, nodeHostname string) (hostname, domain string, err error)
	// KernelHostname is what the sandbox calls itself.
	KernelHostname(pod *v1.Pod, hostname, domain string) (string, error)
	HostsFile(pod *v1.Pod, podIPs []string, hostname, domain string) ([]byte, error)
}

// Probes watches over running containers.
type Probes interface {
	// Track tells which containers run; probing starts and stops accordingly.
	Track(pod *v1.Pod, podIP string, containers []Tracked)
	// Stopping ends liveness and startup probing: the pod is being stopped.
	Stopping(uid types.UID)
	Remove(uid types.UID)
	// Get returns the outcome for the container ID; known is false before the first result.
	Get(uid types.UID, container, containerID string, kind ProbeKind) (success, known bool)
}

// ProbeKind names one of the three probes.
type ProbeKind int

const (
	Startup ProbeKind = iota
	Readiness
	Liveness
)

// Tracked is one container to probe; ID is as in the API, with the runtime's scheme.
type Tracked struct {
	Observed *observe.Container
	ID       string
	Running  bool
}

// Devices gives containers their devices; may be nil.
type Devices interface {
	Options(pod *v1.Pod, c *v1.Container) (*DeviceOptions, error)
}

// DeviceOptions is what device plugins want of a container.
type DeviceOptions struct {
	Envs        map[string]string
	Annotations map[string]string
	Mounts      []*runtimeapi.Mount
	Devices     []*runtimeapi.Device
	CDIDevices  []*runtimeapi.CDIDevice
}

// Reporter takes statuses to the API.
type Reporter interface {
	// Set reports the status; pod is the latest seen from the API.
	Set(pod *v1.Pod, status v1.PodStatus)
	// Delete removes the pod from the API once its last status is there.
	Delete(pod *v1.Pod)
	Forget(uid types.UID)
}

// Decision about a pod's admission.
type Decision struct {
	Admit           bool
	Reason, Message string
	Preempt         []*v1.Pod
}

// Kill condemns a pod.
type Kill struct {
	Failure *podstatus.Failure
	// GraceSeconds overrides the pod's own; nil leaves it.
	GraceSeconds *int64
}

type waiting = plan.Waiting
