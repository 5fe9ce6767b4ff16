package device

import (
	"context"
	"fmt"
	"maps"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// allocations say who has what: pod, container, resource.
type allocations map[types.UID]map[string]map[string]*allocation

// allocation is what a container has of one resource, with what the plugin said to put into it.
type allocation struct {
	IDs     []string                `json:"ids"`
	Envs    map[string]string       `json:"envs,omitempty"`
	Mounts  []*pluginapi.Mount      `json:"mounts,omitempty"`
	Devices []*pluginapi.DeviceSpec `json:"devices,omitempty"`
	Notes   map[string]string       `json:"annotations,omitempty"`
	CDI     []string                `json:"cdi,omitempty"`
}

// AllocatePod gives the pod's containers their devices. A pod that has them already, from before a restart, keeps them. An error rejects the pod
// with reason UnexpectedAdmissionError.
func (m *Manager) AllocatePod(ctx context.Context, pod *v1.Pod) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.wanted(pod) {
		return nil
	}
	m.release()
	had := m.taken[pod.UID]
	reusable := map[string][]string{} // devices of init containers that have ended when the others start
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if err := m.allocate(ctx, pod, c, reusable); err != nil {
			return m.undo(pod.UID, had, err)
		}
		if c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways {
			m.withhold(pod.UID, c.Name, reusable)
			continue
		}
		for name, a := range m.taken[pod.UID][c.Name] {
			reusable[name] = union(reusable[name], a.IDs)
		}
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		if err := m.allocate(ctx, pod, c, reusable); err != nil {
			return m.undo(pod.UID, had, err)
		}
		m.withhold(pod.UID, c.Name, reusable)
	}
	if err := save(m.checkpointFile(), m.taken); err != nil {
		return m.undo(pod.UID, had, err)
	}
	return nil
}

func (m *Manager) undo(uid types.UID, had map[string]map[string]*allocation, err error) error {
	delete(m.taken, uid)
	if had != nil {
		m.taken[uid] = had
	}
	return err
}

// withhold takes what a running container has out of what may be reused.
func (m *Manager) withhold(uid types.UID, container string, reusable map[string][]string) {
	for name, a := range m.taken[uid][container] {
		reusable[name] = slices.DeleteFunc(slices.Clone(reusable[name]), func(id string) bool { return slices.Contains(a.IDs, id) })
	}
}

func (m *Manager) wanted(pod *v1.Pod) bool {
	for _, list := range [][]v1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for name := range list[i].Resources.Limits {
				if _, known := m.resources[string(name)]; known {
					return true
				}
			}
		}
	}
	return false
}

func (m *Manager) allocate(ctx context.Context, pod *v1.Pod, c *v1.Container, reusable map[string][]string) error {
	for name, q := range c.Resources.Limits {
		state, known := m.resources[string(name)]
		if !known || q.Value() == 0 {
			continue
		}
		if have := m.taken[pod.UID][c.Name][string(name)]; have != nil {
			continue
		}
		ids, err := m.choose(ctx, string(name), state, int(q.Value()), reusable[string(name)])
		if err != nil {
			return err
		}
		res, err := state.plugin.client.Allocate(ctx, &pluginapi.AllocateRequest{ContainerRequests: []*pluginapi.ContainerAllocateRequest{{DevicesIds: ids}}})
		if err != nil {
			return fmt.Errorf("allocate of %s failed: %w", name, err)
		}
		if len(res.GetContainerResponses()) == 0 {
			return fmt.Errorf("no containers return in allocation response for %s", name)
		}
		m.record(pod.UID, c.Name, string(name), ids, res.GetContainerResponses()[0])
	}
	return nil
}

// choose picks n free healthy devices: reusable ones first, else those that the plugin prefers, else in order of their names.
func (m *Manager) choose(ctx context.Context, name string, state *resourceState, n int, reusable []string) ([]string, error) {
	if state.plugin == nil {
		return nil, fmt.Errorf("cannot allocate unregistered device %s", name)
	}
	busy := map[string]bool{}
	for _, containers := range m.taken {
		for _, resources := range containers {
			if a := resources[name]; a != nil {
				for _, id := range a.IDs {
					busy[id] = true
				}
			}
		}
	}
	chosen := slices.Clone(reusable[:min(len(reusable), n)])
	var free []string
	for _, id := range slices.Sorted(maps.Keys(state.devices)) {
		if !busy[id] && state.devices[id].GetHealth() == pluginapi.Healthy {
			free = append(free, id)
		}
	}
	missing := n - len(chosen)
	if missing > len(free) {
		return nil, fmt.Errorf("requested number of devices unavailable for %s. Requested: %d, Available: %d", name, missing, len(free))
	}
	if missing == 0 {
		return chosen, nil
	}
	if state.plugin.options.GetGetPreferredAllocationAvailable() {
		req := &pluginapi.ContainerPreferredAllocationRequest{AvailableDeviceIDs: append(slices.Clone(chosen), free...), MustIncludeDeviceIDs: chosen, AllocationSize: int32(n)}
		res, err := state.plugin.client.GetPreferredAllocation(ctx, &pluginapi.PreferredAllocationRequest{ContainerRequests: []*pluginapi.ContainerPreferredAllocationRequest{req}})
		if err == nil && len(res.GetContainerResponses()) > 0 {
			preferred := slices.DeleteFunc(slices.Clone(res.GetContainerResponses()[0].GetDeviceIDs()), func(id string) bool { return !slices.Contains(free, id) })
			free = union(preferred, free) // a preference may be incomplete
		}
	}
	return append(chosen, free[:missing]...), nil
}

func (m *Manager) record(uid types.UID, container, name string, ids []string, res *pluginapi.ContainerAllocateResponse) {
	if m.taken[uid] == nil {
		m.taken[uid] = map[string]map[string]*allocation{}
	}
	if m.taken[uid][container] == nil {
		m.taken[uid][container] = map[string]*allocation{}
	}
	a := &allocation{IDs: ids, Envs: res.GetEnvs(), Mounts: res.GetMounts(), Devices: res.GetDevices(), Notes: res.GetAnnotations()}
	for _, cdi := range res.GetCdiDevices() {
		a.CDI = append(a.CDI, cdi.GetName())
	}
	m.taken[uid][container][name] = a
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// RunOptions are what a container gets because of its devices.
type RunOptions struct {
	Envs        []*runtimeapi.KeyValue
	Mounts      []*runtimeapi.Mount
	Devices     []*runtimeapi.Device
	Annotations map[string]string
	CDIDevices  []*runtimeapi.CDIDevice
}

// Options returns what the container gets, nil when it has no devices, after the plugins that ask for it prepared them.
func (m *Manager) Options(ctx context.Context, pod *v1.Pod, c *v1.Container) (*RunOptions, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	resources := m.taken[pod.UID][c.Name]
	if len(resources) == 0 {
		return nil, nil
	}
	out := &RunOptions{Annotations: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		a := resources[name]
		if err := m.preStart(ctx, name, a); err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(a.Envs)) {
			out.Envs = append(out.Envs, &runtimeapi.KeyValue{Key: key, Value: []byte(a.Envs[key])})
		}
		for _, mount := range a.Mounts {
			out.Mounts = append(out.Mounts, &runtimeapi.Mount{ContainerPath: mount.GetContainerPath(), HostPath: mount.GetHostPath(), Readonly: mount.GetReadOnly()})
		}
		for _, d := range a.Devices {
			out.Devices = append(out.Devices, &runtimeapi.Device{ContainerPath: d.GetContainerPath(), HostPath: d.GetHostPath(), Permissions: d.GetPermissions()})
		}
		maps.Copy(out.Annotations, a.Notes)
		for _, cdi := range a.CDI {
			out.CDIDevices = append(out.CDIDevices, &runtimeapi.CDIDevice{Name: cdi})
		}
	}
	return out, nil
}

func (m *Manager) preStart(ctx context.Context, name string, a *allocation) error {
	state := m.resources[name]
	if state == nil || state.plugin == nil || !state.plugin.options.GetPreStartRequired() {
		return nil
	}
	if _, err := state.plugin.client.PreStartContainer(ctx, &pluginapi.PreStartContainerRequest{DevicesIds: a.IDs}); err != nil {
		return fmt.Errorf("device plugin PreStartContainer rpc failed with err: %w", err)
	}
	return nil
}

// Assigned returns the IDs of the devices of a pod, by container and resource.
func (m *Manager) Assigned(uid types.UID) map[string]map[string][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]map[string][]string{}
	for container, resources := range m.taken[uid] {
		out[container] = map[string][]string{}
		for name, a := range resources {
			out[container][name] = slices.Clone(a.IDs)
		}
	}
	return out
}
