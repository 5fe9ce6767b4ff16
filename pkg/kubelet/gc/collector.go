package gc

import (
	"context"
	"errors"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Runtime is what is asked of the container runtime.
type Runtime interface {
	ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error)
	ListPodSandbox(ctx context.Context, filter *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error)
	ContainerStatus(ctx context.Context, id string, verbose bool) (*runtimeapi.ContainerStatusResponse, error)
	RemoveContainer(ctx context.Context, id string) error
	StopPodSandbox(ctx context.Context, id string) error
	RemovePodSandbox(ctx context.Context, id string) error
}

// Images is what is asked of the image service.
type Images interface {
	ListImages(ctx context.Context, filter *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error)
	RemoveImage(ctx context.Context, image *runtimeapi.ImageSpec) error
	ImageFsInfo(ctx context.Context) (*runtimeapi.ImageFsInfoResponse, error)
}

// Volumes takes away what pods left on disk.
type Volumes interface {
	PodsOnDisk() ([]types.UID, error)
	Unmount(ctx context.Context, uid types.UID) error
	RemovePodDir(uid types.UID) error
}

// Groups takes away cgroups.
type Groups interface {
	ListPods() ([]types.UID, error)
	RemovePod(ctx context.Context, uid types.UID) error
}

// Config is what a Collector is built from.
type Config struct {
	Runtime Runtime
	Images  Images
	Volumes Volumes
	Groups  Groups
	// Known tells whether the kubelet still works on a pod; what is not known is left over. Finished tells whether a known pod's containers have
	// all ended for good.
	Known, Finished func(uid types.UID) bool
	// Synced tells whether the pods of the API have been seen: before that nobody is known, and nothing may go.
	Synced func() bool

	// MaxPerContainer dead containers are kept per name in a pod (1 by default), MaxContainers in all (-1: any), and none is removed before MinAge.
	MaxPerContainer, MaxContainers int
	MinAge                         time.Duration
	// Images go when their file system is fuller than HighPercent, until it is down to LowPercent; those seen for less than ImageMinAge stay.
	// ImageMaxAge, when positive, removes images unused for so long.
	HighPercent, LowPercent  int
	ImageMinAge, ImageMaxAge time.Duration
	// InUse names images that must stay although no container uses them now (image volumes, the pods' own lists); may be nil.
	InUse func() []string

	LogsDir, LinksDir string
	Recorder          record.EventRecorder
	NodeRef           *v1.ObjectReference
	Clock             clock.WithTicker
}

const (
	containerPeriod = time.Minute
	imagePeriod     = 5 * time.Minute
)

// Collector removes leftovers.
type Collector struct {
	cfg     Config
	trigger chan struct{}

	mu     sync.Mutex
	images map[string]*seen
}

// New checks the settings.
func New(cfg Config) (*Collector, error) {
	if cfg.Runtime == nil || cfg.Images == nil || cfg.Known == nil || cfg.Recorder == nil {
		return nil, errors.New("gc: Runtime, Images, Known and Recorder are required")
	}
	if cfg.HighPercent == 0 {
		cfg.HighPercent, cfg.LowPercent = 85, 80
	}
	if cfg.LowPercent > cfg.HighPercent || cfg.HighPercent > 100 || cfg.LowPercent < 0 {
		return nil, errors.New("gc: image thresholds must satisfy 0 <= low <= high <= 100")
	}
	if cfg.MaxPerContainer == 0 {
		cfg.MaxPerContainer, cfg.MaxContainers = 1, -1
	}
	if cfg.ImageMinAge == 0 {
		cfg.ImageMinAge = 2 * time.Minute
	}
	if cfg.Finished == nil {
		cfg.Finished = func(types.UID) bool { return false }
	}
	if cfg.Synced == nil {
		cfg.Synced = func() bool { return true }
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	if cfg.LogsDir == "" {
		cfg.LogsDir = "/var/log/pods"
	}
	if cfg.LinksDir == "" {
		cfg.LinksDir = "/var/log/containers"
	}
	return &Collector{cfg: cfg, trigger: make(chan struct{}, 1), images: map[string]*seen{}}, nil
}

// Trigger asks for a look at containers and orphans now, for instance after a pod has gone.
func (c *Collector) Trigger() {
	select {
	case c.trigger <- struct{}{}:
	default:
	}
}

// Run collects until ctx ends.
func (c *Collector) Run(ctx context.Context) error {
	containers, images := c.cfg.Clock.NewTicker(containerPeriod), c.cfg.Clock.NewTicker(imagePeriod)
	defer containers.Stop()
	defer images.Stop()
	logger := klog.FromContext(ctx)
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-c.trigger:
			err = errors.Join(c.CollectContainers(ctx), c.CollectOrphans(ctx))
		case <-containers.C():
			err = errors.Join(c.CollectContainers(ctx), c.CollectOrphans(ctx))
		case <-images.C():
			if err = c.CollectImages(ctx); err != nil {
				c.cfg.Recorder.Eventf(c.cfg.NodeRef, v1.EventTypeWarning, "ImageGCFailed", "%s", err.Error())
			}
		}
		if err != nil && ctx.Err() == nil {
			logger.Error(err, "Collecting garbage")
		}
	}
}
