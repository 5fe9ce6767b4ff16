package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

func (m *Manager) podName(pod *v1.Pod) name {
	return m.class(podstate.QOSClass(pod)).child(podName(pod.UID))
}

// Parent is what LinuxPodSandboxConfig.CgroupParent must say for the pod.
func (m *Manager) Parent(pod *v1.Pod) string {
	if !m.cfg.PerQOS {
		return m.drv.parent(m.root)
	}
	return m.drv.parent(m.podName(pod))
}

// EnsurePod makes the pod's group with its limits and returns the parent for the container runtime.
func (m *Manager) EnsurePod(ctx context.Context, pod *v1.Pod) (string, error) {
	parent := m.Parent(pod)
	if !m.cfg.PerQOS {
		return parent, nil
	}
	n := m.podName(pod)
	if m.h.exists(m.drv.path(n)) {
		return parent, nil // limits of a living pod change through UpdatePod only
	}
	if err := m.drv.make(ctx, n, m.PodConfig(pod)); err != nil {
		return "", fmt.Errorf("making cgroup of pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return parent, nil
}

// PodConfig is what the pod's group should hold.
func (m *Manager) PodConfig(pod *v1.Pod) *Resources { return ResourcesFor(pod, m.opts) }

// UpdatePod brings the pod's group to what the pod's spec says now.
func (m *Manager) UpdatePod(ctx context.Context, pod *v1.Pod) error {
	return m.SetPod(ctx, pod, m.PodConfig(pod).unbounded())
}

// SetPod writes the given values alone; a resize that raises one value before its containers and lowers another after
// them uses it in steps.
func (m *Manager) SetPod(ctx context.Context, pod *v1.Pod, r *Resources) error {
	if !m.cfg.PerQOS {
		return nil
	}
	if err := m.drv.apply(ctx, m.podName(pod), r); err != nil {
		return fmt.Errorf("updating cgroup of pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return nil
}

// ReadPod returns what the pod's group holds.
func (m *Manager) ReadPod(uid types.UID) (*Resources, error) {
	n, ok := m.find(uid)
	if !ok {
		return nil, fmt.Errorf("cgroup of pod %s: %w", uid, os.ErrNotExist)
	}
	return m.h.load(m.drv.path(n))
}

// RemovePod kills what is left in the pod's group and removes it. A pod without a group is no error.
func (m *Manager) RemovePod(ctx context.Context, uid types.UID) error {
	if !m.cfg.PerQOS {
		return nil
	}
	var errs []error
	for _, n := range m.candidates(uid) {
		path, present := m.drv.path(n), false
		for _, dir := range m.h.dirs(path) {
			if _, err := os.Stat(dir); err == nil {
				present = true
			}
		}
		if present {
			errs = append(errs, m.drv.remove(ctx, n))
		}
	}
	return errors.Join(errs...)
}

// candidates are the places a pod's group can be in; after a restart its class may not be known.
func (m *Manager) candidates(uid types.UID) []name {
	var out []name
	for _, class := range []v1.PodQOSClass{v1.PodQOSGuaranteed, v1.PodQOSBurstable, v1.PodQOSBestEffort} {
		out = append(out, m.class(class).child(podName(uid)))
	}
	return out
}

func (m *Manager) find(uid types.UID) (name, bool) {
	for _, n := range m.candidates(uid) {
		if _, err := os.Stat(m.h.dir("memory", m.drv.path(n))); err == nil {
			return n, true
		}
	}
	return nil, false
}

// ListPods returns the UIDs of the pods that have a group in any hierarchy.
func (m *Manager) ListPods() ([]types.UID, error) {
	seen := map[types.UID]bool{}
	var out []types.UID
	for _, class := range []v1.PodQOSClass{v1.PodQOSGuaranteed, v1.PodQOSBurstable, v1.PodQOSBestEffort} {
		for _, dir := range m.h.dirs(m.drv.path(m.class(class))) {
			entries, err := os.ReadDir(dir)
			if errors.Is(err, os.ErrNotExist) {
				continue
			} else if err != nil {
				return nil, fmt.Errorf("listing cgroups of pods: %w", err)
			}
			for _, e := range entries {
				if uid, ok := uidOf(filepath.Base(e.Name())); e.IsDir() && ok && !seen[uid] {
					seen[uid] = true
					out = append(out, uid)
				}
			}
		}
	}
	return out, nil
}
