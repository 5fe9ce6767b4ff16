package node

import (
	"context"
	"errors"
	"net"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/record"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/kubelet/evictplan"
	"tiphys.dev/tiphys/pkg/kubelet/stats"
)

// Config is what a Reporter is built from.
type Config struct {
	Client   kubernetes.Interface
	NodeName string
	// Hostname is what the machine calls itself; the label and the address of that name.
	Hostname string
	// Labels and Taints are given at registration.
	Labels map[string]string
	Taints []v1.Taint
	// Register is false for nodes that somebody else creates.
	Register bool
	// NodeIPs are the addresses, the primary first; without any, the one of the default route is taken.
	NodeIPs []net.IP
	// ExternalCloud leaves addresses and provider ID to a cloud controller manager.
	ExternalCloud bool
	ProviderID    string
	// ServerPort is where the kubelet's own server listens.
	ServerPort int32
	// KubeletVersion is the version to report.
	KubeletVersion string

	MaxPods, PodsPerCore int32
	// PodCIDR is for nodes without an API server.
	PodCIDR string
	// KubeReserved and SystemReserved are taken off what pods get; EvictionHard ("memory.available": "100Mi") too.
	KubeReserved, SystemReserved, EvictionHard map[string]string
	// RootDir's file system is the node's ephemeral storage.
	RootDir string
	// MaxImages bounds status.images; -1 is all.
	MaxImages int32
	// DeclaredFeatures are told to the scheduler.
	DeclaredFeatures []string

	// StatusPeriod is how often it is looked for changes, ReportPeriod how often the status is sent without any.
	StatusPeriod, ReportPeriod time.Duration
	// LeaseSeconds is the lease's duration; it is renewed four times as often.
	LeaseSeconds int32

	Machine       stats.Machine
	RuntimeStatus func(ctx context.Context) (*runtimeapi.StatusResponse, error)
	// RuntimeVersion is "containerd://2.1.0".
	RuntimeVersion func(ctx context.Context) (string, error)
	Images         func(ctx context.Context) ([]*runtimeapi.Image, error)
	// The rest may be nil.
	Pressure     func() evictplan.Conditions
	VolumesInUse func() []v1.UniqueVolumeName
	Devices      func() (capacity, allocatable v1.ResourceList)
	// NotReady gives further reasons why the node is not ready, for instance that it shuts down.
	NotReady func() []string

	Recorder record.EventRecorder
	Clock    clock.WithTicker
}

func (c *Config) complete() error {
	if c.NodeName == "" || c.RuntimeStatus == nil || c.RuntimeVersion == nil || c.Recorder == nil {
		return errors.New("node report: NodeName, RuntimeStatus, RuntimeVersion and Recorder are required")
	}
	if c.Hostname == "" {
		c.Hostname = c.NodeName
	}
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if c.StatusPeriod == 0 {
		c.StatusPeriod = 10 * time.Second
	}
	if c.ReportPeriod == 0 {
		c.ReportPeriod = 5 * time.Minute
	}
	if c.LeaseSeconds == 0 {
		c.LeaseSeconds = 40
	}
	if c.MaxImages == 0 {
		c.MaxImages = 50
	}
	if c.MaxPods == 0 {
		c.MaxPods = 110
	}
	if c.RootDir == "" {
		c.RootDir = "/var/lib/kubelet"
	}
	if c.Images == nil {
		c.Images = func(context.Context) ([]*runtimeapi.Image, error) { return nil, nil }
	}
	if c.Pressure == nil {
		c.Pressure = func() evictplan.Conditions { return evictplan.Conditions{} }
	}
	if c.VolumesInUse == nil {
		c.VolumesInUse = func() []v1.UniqueVolumeName { return nil }
	}
	if c.Devices == nil {
		c.Devices = func() (v1.ResourceList, v1.ResourceList) { return nil, nil }
	}
	if c.NotReady == nil {
		c.NotReady = func() []string { return nil }
	}
	return nil
}
