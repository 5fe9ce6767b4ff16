package device

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
	"k8s.io/utils/clock"
)

// gracePeriod is how long devices of a plugin that went away are still reported in the capacity.
const gracePeriod = 5 * time.Minute

// Config is what a Manager is built from.
type Config struct {
	// Dir holds the kubelet's socket, the plugins' sockets and the checkpoint; /var/lib/kubelet/device-plugins when empty.
	Dir string
	// Pods are the pods whose devices are taken.
	Pods func() []*v1.Pod
	// Changed is called when the capacity changed, to report the node; may be nil.
	Changed func()
	Clock   clock.Clock
}

// Manager knows the devices of the node and who has them. It is safe for concurrent use.
type Manager struct {
	cfg Config

	mu        sync.Mutex
	resources map[string]*resourceState
	// taken is authoritative for who has which device; it is on disk before it is acted upon.
	taken allocations
}

// resourceState is one extended resource. A nil plugin means that the plugin is gone since stopped.
type resourceState struct {
	devices map[string]*pluginapi.Device
	plugin  *plugin
	stopped time.Time
}

// New reads the checkpoint.
func New(cfg Config) (*Manager, error) {
	if cfg.Pods == nil {
		return nil, errors.New("device: Pods is required")
	}
	if cfg.Dir == "" {
		cfg.Dir = pluginapi.DevicePluginPath
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	m := &Manager{cfg: cfg, resources: map[string]*resourceState{}}
	var err error
	if m.taken, err = load(m.checkpointFile()); err != nil {
		return nil, err
	}
	for _, containers := range m.taken {
		for _, resources := range containers {
			for name := range resources {
				// Known from an earlier run: its plugin will be back.
				m.resources[name] = &resourceState{devices: map[string]*pluginapi.Device{}, stopped: cfg.Clock.Now()}
			}
		}
	}
	return m, nil
}

func (m *Manager) checkpointFile() string { return filepath.Join(m.cfg.Dir, "device_allocations.json") }

// Run serves registrations until ctx ends.
func (m *Manager) Run(ctx context.Context) error {
	if err := os.MkdirAll(m.cfg.Dir, 0o750); err != nil {
		return fmt.Errorf("creating directory of device plugins: %w", err)
	}
	socket := filepath.Join(m.cfg.Dir, "kubelet.sock")
	// Plugins notice a restart of the kubelet by the socket being made anew, and register again.
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing old socket of device plugins: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listening for device plugins: %w", err)
	}
	server := grpc.NewServer()
	registration := &registrar{m: m, ctx: ctx}
	pluginapi.RegisterRegistrationServer(server, registration)
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := server.Serve(listener); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serving device plugins: %w", err)
	}
	registration.group.Wait()
	return nil
}

// Capacity is what the node has and what of it is healthy.
func (m *Manager) Capacity() (capacity, allocatable v1.ResourceList) {
	m.mu.Lock()
	defer m.mu.Unlock()
	capacity, allocatable = v1.ResourceList{}, v1.ResourceList{}
	for name, r := range m.resources {
		if r.plugin == nil && m.cfg.Clock.Since(r.stopped) > gracePeriod {
			delete(m.resources, name)
			// Told once as zero: a resource that is merely not mentioned would stay on the node.
			capacity[v1.ResourceName(name)], allocatable[v1.ResourceName(name)] = resource.Quantity{}, resource.Quantity{}
			continue
		}
		healthy := 0
		for _, d := range r.devices {
			if r.plugin != nil && d.GetHealth() == pluginapi.Healthy {
				healthy++
			}
		}
		capacity[v1.ResourceName(name)] = *resource.NewQuantity(int64(len(r.devices)), resource.DecimalSI)
		allocatable[v1.ResourceName(name)] = *resource.NewQuantity(int64(healthy), resource.DecimalSI)
	}
	return capacity, allocatable
}

// update takes over a plugin's list of devices.
func (m *Manager) update(p *plugin, devices []*pluginapi.Device) {
	m.mu.Lock()
	r := m.resources[p.resource]
	if r == nil || r.plugin != p {
		m.mu.Unlock()
		return // replaced by a newer registration
	}
	r.devices = make(map[string]*pluginapi.Device, len(devices))
	for _, d := range devices {
		r.devices[d.GetID()] = d
	}
	m.mu.Unlock()
	m.cfg.Changed()
}

// gone marks the plugin's devices as out of reach.
func (m *Manager) gone(ctx context.Context, p *plugin) {
	m.mu.Lock()
	r := m.resources[p.resource]
	current := r != nil && r.plugin == p
	if current {
		r.plugin, r.stopped = nil, m.cfg.Clock.Now()
	}
	m.mu.Unlock()
	if current && ctx.Err() == nil {
		klog.FromContext(ctx).Info("Device plugin went away", "resource", p.resource)
		m.cfg.Changed()
	}
}

// release gives back the devices of pods that are gone. The lock is held.
func (m *Manager) release() {
	active := map[types.UID]bool{}
	for _, pod := range m.cfg.Pods() {
		if pod.Status.Phase != v1.PodSucceeded && pod.Status.Phase != v1.PodFailed {
			active[pod.UID] = true
		}
	}
	for uid := range m.taken {
		if !active[uid] {
			delete(m.taken, uid)
		}
	}
}
