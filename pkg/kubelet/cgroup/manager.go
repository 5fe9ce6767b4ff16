package cgroup

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
)

// Config is what a Manager is built from.
type Config struct {
	// Mount is where cgroup file systems are mounted; "/sys/fs/cgroup" when empty.
	Mount string
	// Root is the group below which everything is made (--cgroup-root); "/" when empty.
	Root string
	// Driver is DriverCgroupfs (also when empty) or DriverSystemd.
	Driver string
	// PerQOS makes a group for each class and pod. Without it nothing is made and pods run directly under Root.
	PerQOS bool
	// CPUCFSQuota lets CPU limits throttle; CPUCFSQuotaPeriod is DefaultPeriod when zero.
	CPUCFSQuota       bool
	CPUCFSQuotaPeriod time.Duration
	// PodPidsLimit bounds the tasks of each pod when positive.
	PodPidsLimit int64
	// EnforcePods limits all pods together to Allocatable ("pods" in enforceNodeAllocatable).
	EnforcePods bool
	// Allocatable is what the node offers to pods, before eviction thresholds are taken off.
	Allocatable func() v1.ResourceList
}

// Manager makes and removes the groups. It is safe for concurrent use: the kernel is its only state.
type Manager struct {
	cfg  Config
	h    *hierarchy
	drv  driver
	opts Options
	root name
}

// driver is how a group comes to be and goes.
type driver interface {
	// path is where the group lies in each hierarchy.
	path(n name) string
	// parent is what the container runtime wants as the parent of a pod's containers.
	parent(n name) string
	make(ctx context.Context, n name, r *Resources) error
	apply(ctx context.Context, n name, r *Resources) error
	remove(ctx context.Context, n name) error
}

// New finds out what the kernel offers. It makes nothing yet.
func New(cfg Config) (*Manager, error) {
	if cfg.Mount == "" {
		cfg.Mount = "/sys/fs/cgroup"
	}
	h, err := discover(cfg.Mount)
	if err != nil {
		return nil, err
	}
	return build(cfg, h)
}

func build(cfg Config, h *hierarchy) (*Manager, error) {
	if cfg.CPUCFSQuotaPeriod == 0 {
		cfg.CPUCFSQuotaPeriod = DefaultPeriod
	}
	m := &Manager{cfg: cfg, h: h, root: parseName(cfg.Root)}
	m.opts = Options{CPUCFSQuota: cfg.CPUCFSQuota, CPUCFSQuotaPeriod: cfg.CPUCFSQuotaPeriod, PodPidsLimit: cfg.PodPidsLimit, HugePageSizes: pageSizes()}
	switch cfg.Driver {
	case "", DriverCgroupfs:
		m.drv = &cgroupfsDriver{h: h}
	case DriverSystemd:
		m.drv = &systemdDriver{h: h}
	default:
		return nil, fmt.Errorf("cgroup driver %q: want %q or %q", cfg.Driver, DriverCgroupfs, DriverSystemd)
	}
	if cfg.EnforcePods && cfg.Allocatable == nil {
		return nil, errors.New("cgroup: enforcing node allocatable needs to know it")
	}
	return m, nil
}

// Version is 1 or 2.
func (m *Manager) Version() int { return m.h.version }

// Root is the path of the configured root group.
func (m *Manager) Root() string { return m.drv.path(m.root) }

// KubepodsPath is the group all pods are in.
func (m *Manager) KubepodsPath() string { return m.drv.path(m.kubepods()) }

func (m *Manager) kubepods() name { return m.root.child(nodePrefix) }

// class is the group of a QoS class; guaranteed pods sit directly in kubepods.
func (m *Manager) class(class v1.PodQOSClass) name {
	switch class {
	case v1.PodQOSBurstable:
		return m.kubepods().child(burstablePrefix)
	case v1.PodQOSBestEffort:
		return m.kubepods().child(bestEffortPrefix)
	default:
		return m.kubepods()
	}
}

// EnsureRoots makes the node's groups and sets their limits.
func (m *Manager) EnsureRoots(ctx context.Context) error {
	if !m.cfg.PerQOS {
		return nil
	}
	if err := m.drv.make(ctx, m.kubepods(), m.nodeResources()); err != nil {
		return fmt.Errorf("making the group of all pods: %w", err)
	}
	if err := m.drv.apply(ctx, m.kubepods(), m.nodeResources()); err != nil {
		return fmt.Errorf("limiting all pods to node allocatable: %w", err)
	}
	least := uint64(MinShares)
	for _, class := range []v1.PodQOSClass{v1.PodQOSBurstable, v1.PodQOSBestEffort} {
		if m.h.exists(m.drv.path(m.class(class))) {
			continue // a burstable weight in force stays until SyncQOS knows the pods
		}
		if err := m.drv.make(ctx, m.class(class), &Resources{CPUShares: &least}); err != nil {
			return fmt.Errorf("making the group of %s pods: %w", class, err)
		}
	}
	return nil
}

// nodeResources are the limits of all pods together.
func (m *Manager) nodeResources() *Resources {
	if !m.cfg.EnforcePods {
		return &Resources{}
	}
	list := m.cfg.Allocatable()
	r := &Resources{}
	if cpu, ok := list[v1.ResourceCPU]; ok {
		shares := SharesOf(cpu.MilliValue())
		r.CPUShares = &shares
	}
	if memory, ok := list[v1.ResourceMemory]; ok && memory.Value() > 0 {
		limit := memory.Value()
		r.Memory = &limit
	}
	return r
}
