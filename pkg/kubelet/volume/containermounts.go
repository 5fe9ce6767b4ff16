package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/opencontainers/selinux/go-selinux"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
	"tiphys.dev/tiphys/pkg/kubelet/volume/subpath"
)

// ContainerMounts turns the container's volumeMounts into mounts for the runtime, after Mount succeeded. env is the container's
// expanded environment, for subPathExpr.
func (m *Manager) ContainerMounts(pod *v1.Pod, container *v1.Container, env map[string]string) ([]*runtimeapi.Mount, error) {
	mounted := m.mounted(pod)
	out := make([]*runtimeapi.Mount, 0, len(container.VolumeMounts))
	for i := range container.VolumeMounts {
		vm := &container.VolumeMounts[i]
		volume, ok := mounted[vm.Name]
		if !ok {
			return nil, fmt.Errorf("volume %q of container %q is not mounted", vm.Name, container.Name)
		}
		mount, err := m.containerMount(pod, container, i, volume, env)
		if err != nil {
			return nil, err
		}
		out = append(out, mount)
	}
	return out, nil
}

func (m *Manager) mounted(pod *v1.Pod) map[string]plugin.Mounted {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.pods[pod.UID]; e != nil {
		return e.mounted // replaced as a whole, never changed
	}
	return nil
}

func (m *Manager) containerMount(pod *v1.Pod, container *v1.Container, index int, volume plugin.Mounted, env map[string]string) (*runtimeapi.Mount, error) {
	vm := &container.VolumeMounts[index]
	sub := vm.SubPath
	if vm.SubPathExpr != "" {
		var err error
		if sub, err = subpath.Expand(vm.SubPathExpr, env); err != nil {
			return nil, fmt.Errorf("failed to expand subPathExpr of volumeMount %q of container %q: %w", vm.Name, container.Name, err)
		}
	}
	mount := &runtimeapi.Mount{
		ContainerPath:  vm.MountPath,
		HostPath:       volume.Path,
		Readonly:       vm.ReadOnly || volume.ReadOnly,
		SelinuxRelabel: volume.Relabel && selinux.GetEnabled(),
	}
	if !filepath.IsAbs(mount.ContainerPath) {
		mount.ContainerPath = filepath.Join("/", mount.ContainerPath)
	}
	if volume.Image != "" {
		mount.HostPath, mount.Image, mount.ImageSubPath = "", &runtimeapi.ImageSpec{Image: volume.Image}, sub
		mount.Readonly, mount.SelinuxRelabel = true, false
		return mount, nil
	}
	if sub != "" {
		if err := m.subPath(pod, container, index, volume, sub, mount); err != nil {
			// The cause goes to the log of the caller with the node's paths; the pod's author learns which mount it is.
			return nil, fmt.Errorf("failed to prepare subPath for volumeMount %q of container %q: %w", vm.Name, container.Name, err)
		}
	}
	var err error
	if mount.Propagation, err = propagation(vm.MountPropagation); err != nil {
		return nil, err
	}
	mount.RecursiveReadOnly, err = m.recursive(pod, vm, mount.Readonly)
	return mount, err
}

func (m *Manager) subPath(pod *v1.Pod, container *v1.Container, index int, volume plugin.Mounted, sub string, mount *runtimeapi.Mount) error {
	if err := subpath.Check(sub); err != nil {
		return err
	}
	target := filepath.Join(PodDir(m.cfg.RootDir, pod.UID), subpath.Dir, container.VolumeMounts[index].Name, container.Name, strconv.Itoa(index))
	path, err := m.binder.Bind(volume.Path, sub, target)
	if err != nil {
		return err
	}
	mount.HostPath = path
	return nil
}

func propagation(mode *v1.MountPropagationMode) (runtimeapi.MountPropagation, error) {
	if mode == nil {
		return runtimeapi.MountPropagation_PROPAGATION_PRIVATE, nil
	}
	switch *mode {
	case v1.MountPropagationNone:
		return runtimeapi.MountPropagation_PROPAGATION_PRIVATE, nil
	case v1.MountPropagationHostToContainer:
		return runtimeapi.MountPropagation_PROPAGATION_HOST_TO_CONTAINER, nil
	case v1.MountPropagationBidirectional:
		return runtimeapi.MountPropagation_PROPAGATION_BIDIRECTIONAL, nil
	}
	return 0, fmt.Errorf("invalid MountPropagation mode: %q", *mode)
}

func (m *Manager) recursive(pod *v1.Pod, vm *v1.VolumeMount, readOnly bool) (bool, error) {
	if vm.RecursiveReadOnly == nil || *vm.RecursiveReadOnly == v1.RecursiveReadOnlyDisabled {
		return false, nil
	}
	supported := m.cfg.RecursiveReadOnly != nil && m.cfg.RecursiveReadOnly(pod)
	switch *vm.RecursiveReadOnly {
	case v1.RecursiveReadOnlyIfPossible:
		return readOnly && supported, nil
	case v1.RecursiveReadOnlyEnabled:
		if !readOnly {
			return false, errors.New("recursive read-only mount needs the mount to be read-only")
		}
		if !supported {
			return false, fmt.Errorf("volumeMount %q: recursive read-only mounts are not supported by the container runtime", vm.Name)
		}
		return true, nil
	}
	return false, fmt.Errorf("unknown recursive read-only mode %q", *vm.RecursiveReadOnly)
}

// Devices turns the container's volumeDevices into devices for the runtime.
func (m *Manager) Devices(pod *v1.Pod, container *v1.Container) ([]*runtimeapi.Device, error) {
	mounted := m.mounted(pod)
	var out []*runtimeapi.Device
	for _, vd := range container.VolumeDevices {
		volume, ok := mounted[vd.Name]
		if !ok || volume.Block == "" {
			return nil, fmt.Errorf("volume %q of container %q is no block device", vd.Name, container.Name)
		}
		if _, err := os.Stat(volume.Block); err != nil {
			return nil, fmt.Errorf("device of volume %q: %w", vd.Name, err)
		}
		permissions := "mrw"
		if volume.ReadOnly {
			permissions = "r"
		}
		out = append(out, &runtimeapi.Device{HostPath: volume.Block, ContainerPath: vd.DevicePath, Permissions: permissions})
	}
	return out, nil
}
