package volume

import (
	"errors"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
	"tiphys.dev/tiphys/pkg/kubelet/volume/projected"
	"tiphys.dev/tiphys/pkg/kubelet/volume/subpath"
)

// Objects gives the ConfigMaps and Secrets that pods refer to.
type Objects = plugin.Objects

// Config is what a Manager is built from.
type Config struct {
	// RootDir is the kubelet's root, /var/lib/kubelet.
	RootDir string
	// NodeName of this node.
	NodeName string
	// Client asks for service account tokens. A kubelet without an API server has none, and then no tokens.
	Client kubernetes.Interface
	// Objects gives ConfigMaps and Secrets.
	Objects Objects
	// Bundles gives ClusterTrustBundles; may be nil.
	Bundles projected.Bundles
	// Recorder takes FailedMount events.
	Recorder record.EventRecorder
	// Allocatable is what the node offers to pods.
	Allocatable func() v1.ResourceList
	// RecursiveReadOnly tells whether the runtime handler of the pod can make mounts read-only down to their submounts; nil means it cannot.
	RecursiveReadOnly func(pod *v1.Pod) bool
	// NodeLabels are those of this node, for volumes that belong to some nodes only; nil checks nothing.
	NodeLabels func() map[string]string
	// Mounter is the kernel when nil.
	Mounter mounter.Interface
	// Clock is the real one when nil.
	Clock clock.WithTicker
}

// Manager owns the volumes of this node's pods. It is safe for concurrent use; calls for one pod are made one after
// another by the pod's worker, except Resync, which may come at any time.
type Manager struct {
	cfg     Config
	mounter mounter.Interface
	tokens  *projected.Tokens
	binder  *subpath.Binder
	plugins map[string]plugin.Plugin

	mu   sync.Mutex
	pods map[types.UID]*podVolumes
	// due wakes Run when a token must be renewed earlier than it thought.
	due chan struct{}
}

// podVolumes is what the Manager remembers of a pod; all of it can be found again on disk.
type podVolumes struct {
	// io orders the writers of the pod's content: Mount, Resync, renewal, Unmount.
	io sync.Mutex
	// Below is guarded by Manager.mu.
	pod     *v1.Pod
	mounted map[string]plugin.Mounted
	// changed wakes a Mount that waits for its next attempt.
	changed chan struct{}
}

// New builds a Manager.
func New(cfg Config) (*Manager, error) {
	if cfg.RootDir == "" {
		return nil, errors.New("volume: RootDir is required")
	}
	if cfg.Objects == nil || cfg.Recorder == nil {
		return nil, errors.New("volume: Objects and Recorder are required")
	}
	if cfg.Mounter == nil {
		cfg.Mounter = mounter.Kernel{}
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	if cfg.Allocatable == nil {
		cfg.Allocatable = func() v1.ResourceList { return nil }
	}
	m := &Manager{cfg: cfg, mounter: cfg.Mounter, binder: subpath.New(cfg.Mounter), plugins: map[string]plugin.Plugin{},
		pods: map[types.UID]*podVolumes{}, due: make(chan struct{}, 1)}
	m.tokens = projected.NewTokens(m.requestToken, cfg.Clock)
	for _, p := range m.kinds() {
		m.plugins[p.Name()] = p
	}
	return m, nil
}

// entry returns what is remembered of the pod, beginning to when it is new.
func (m *Manager) entry(pod *v1.Pod) *podVolumes {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.pods[pod.UID]
	if e == nil {
		e = &podVolumes{mounted: map[string]plugin.Mounted{}, changed: make(chan struct{}, 1)}
		m.pods[pod.UID] = e
	}
	e.pod = pod
	return e
}
