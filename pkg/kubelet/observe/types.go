package observe

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Pod is what the runtime has of one pod at one moment. Values are shared: never change them.
type Pod struct {
	UID             types.UID
	Namespace, Name string
	// Sandboxes and Containers are sorted newest first.
	Sandboxes  []*runtimeapi.PodSandboxStatus
	Containers []*Container
	// At is when the runtime was asked; zero for a pod never seen.
	At time.Time
}

// Container is one attempt to run a container.
type Container struct {
	ID        string
	Name      string
	PodUID    types.UID
	SandboxID string
	Attempt   uint32
	State     runtimeapi.ContainerState

	CreatedAt, StartedAt, FinishedAt time.Time

	ExitCode int32
	Reason   string
	// Message is the runtime's message and, for an exited container, the termination message.
	Message string

	Image    string // as the pod spec named it
	ImageRef string // digest reference
	ImageID  string
	Hash     string // of the spec it was created from
	LogPath  string

	Labels, Annotations map[string]string
	Resources           *runtimeapi.LinuxContainerResources
	User                *runtimeapi.LinuxContainerUser
	StopSignal          runtimeapi.Signal
}

// Running tells whether the container's process is there.
func (c *Container) Running() bool {
	return c != nil && c.State == runtimeapi.ContainerState_CONTAINER_RUNNING
}

// Exited tells whether the container ran and ended.
func (c *Container) Exited() bool {
	return c != nil && c.State == runtimeapi.ContainerState_CONTAINER_EXITED
}

// Sandbox returns the newest sandbox, or nil.
func (p *Pod) Sandbox() *runtimeapi.PodSandboxStatus {
	if len(p.Sandboxes) == 0 {
		return nil
	}
	return p.Sandboxes[0]
}

// ReadySandbox returns the newest sandbox if it is ready, or nil.
func (p *Pod) ReadySandbox() *runtimeapi.PodSandboxStatus {
	if s := p.Sandbox(); s != nil && s.State == runtimeapi.PodSandboxState_SANDBOX_READY {
		return s
	}
	return nil
}

// IPs are the addresses of the newest sandbox, primary first; none for a host-network pod.
func (p *Pod) IPs() []string {
	s := p.Sandbox()
	if s == nil || s.Network == nil || s.Network.Ip == "" {
		return nil
	}
	ips := []string{s.Network.Ip}
	for _, more := range s.Network.AdditionalIps {
		if more.Ip != "" {
			ips = append(ips, more.Ip)
		}
	}
	return ips
}

// Container returns the newest attempt of the named container, or nil.
func (p *Pod) Container(name string) *Container {
	for _, c := range p.Containers {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Attempts returns all attempts of the named container, newest first.
func (p *Pod) Attempts(name string) []*Container {
	var all []*Container
	for _, c := range p.Containers {
		if c.Name == name {
			all = append(all, c)
		}
	}
	return all
}

// ByID returns the container with the given ID, or nil.
func (p *Pod) ByID(id string) *Container {
	for _, c := range p.Containers {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// AnyRunning tells whether a container may have a process.
func (p *Pod) AnyRunning() bool {
	for _, c := range p.Containers {
		if c.State == runtimeapi.ContainerState_CONTAINER_RUNNING || c.State == runtimeapi.ContainerState_CONTAINER_UNKNOWN {
			return true
		}
	}
	return false
}

// Empty tells whether the runtime has nothing of the pod.
func (p *Pod) Empty() bool { return len(p.Sandboxes) == 0 && len(p.Containers) == 0 }
