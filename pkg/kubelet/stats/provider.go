package stats

import (
	"context"
	"errors"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/kubelet/cgroup"
	"tiphys.dev/tiphys/pkg/kubelet/volume"
)

// Runtime is what is asked of the container runtime.
type Runtime interface {
	ListPodSandboxStats(ctx context.Context, filter *runtimeapi.PodSandboxStatsFilter) ([]*runtimeapi.PodSandboxStats, error)
	ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error)
}

// Images is what is asked of the image service.
type Images interface {
	ImageFsInfo(ctx context.Context) (*runtimeapi.ImageFsInfoResponse, error)
}

// Groups reads cgroups.
type Groups interface {
	Stats(path string) (*cgroup.Usage, error)
	PodStats(uid types.UID) (*cgroup.Usage, error)
	KubepodsPath() string
}

// Config is what a Provider is built from.
type Config struct {
	NodeName string
	Machine  Machine
	// RootDir is the kubelet's directory, LogsDir that of the pods' logs.
	RootDir, LogsDir string
	Runtime          Runtime
	Images           Images
	Groups           Groups
	// Pods are the pods of this node.
	Pods func() []*v1.Pod
	// Volumes measures a pod's volumes; may be nil.
	Volumes func(ctx context.Context, pod *v1.Pod) ([]volume.Usage, error)
	// DiskAge is how old remembered figures of volumes and logs may be; a minute when zero.
	DiskAge time.Duration
	Clock   clock.PassiveClock
}

// Provider measures when asked. It is safe for concurrent use.
type Provider struct {
	cfg     Config
	started time.Time

	mu   sync.Mutex
	cpu  map[string]cpuSample
	disk map[types.UID]*diskUsage
}

// cpuSample is an earlier reading, for rates.
type cpuSample struct {
	at    time.Time
	nanos uint64
	rate  uint64
	known bool
}

// diskUsage is what walking a pod's directories found.
type diskUsage struct {
	at      time.Time
	volumes []volume.Usage
	logs    map[string]tree // by container
}

type tree struct{ bytes, inodes uint64 }

// New builds a Provider.
func New(cfg Config) (*Provider, error) {
	if cfg.Runtime == nil || cfg.Images == nil || cfg.Groups == nil || cfg.Pods == nil {
		return nil, errors.New("stats: Runtime, Images, Groups and Pods are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	if cfg.DiskAge == 0 {
		cfg.DiskAge = time.Minute
	}
	if cfg.LogsDir == "" {
		cfg.LogsDir = "/var/log/pods"
	}
	if cfg.RootDir == "" {
		cfg.RootDir = "/var/lib/kubelet"
	}
	return &Provider{cfg: cfg, started: cfg.Clock.Now(), cpu: map[string]cpuSample{}, disk: map[types.UID]*diskUsage{}}, nil
}

// minRateSpan is the least time between two readings that make a rate: shorter spans tell of noise.
const minRateSpan = 500 * time.Millisecond

// rate returns the CPU use per second since the last reading, nil when there is none yet.
func (p *Provider) rate(key string, at time.Time, nanos uint64) *uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, ok := p.cpu[key]
	span := at.Sub(last.at)
	switch {
	case !ok || nanos < last.nanos: // new, or a new run under the same name
		p.cpu[key] = cpuSample{at: at, nanos: nanos}
		return nil
	case span >= minRateSpan:
		last = cpuSample{at: at, nanos: nanos, rate: uint64(float64(nanos-last.nanos) / span.Seconds()), known: true}
		p.cpu[key] = last
	}
	if !last.known {
		return nil
	}
	rate := last.rate
	return &rate
}

// forget drops readings of what no longer exists.
func (p *Provider) forget(alive map[string]bool, pods map[types.UID]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key := range p.cpu {
		if !alive[key] {
			delete(p.cpu, key)
		}
	}
	for uid := range p.disk {
		if !pods[uid] {
			delete(p.disk, uid)
		}
	}
}
