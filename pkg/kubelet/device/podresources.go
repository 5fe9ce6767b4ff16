package device

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v1 "k8s.io/api/core/v1"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
	podresourcesapi "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// ServePodResources answers monitoring agents on a socket who has which device (podresources API v1), until ctx ends.
func (m *Manager) ServePodResources(ctx context.Context, socket string) error {
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		return fmt.Errorf("creating directory of pod resources: %w", err)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing old socket of pod resources: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listening for pod resources: %w", err)
	}
	server := grpc.NewServer()
	podresourcesapi.RegisterPodResourcesListerServer(server, &lister{m: m})
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := server.Serve(listener); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serving pod resources: %w", err)
	}
	return nil
}

type lister struct {
	podresourcesapi.UnimplementedPodResourcesListerServer
	m *Manager
}

// List implements podresourcesapi.PodResourcesListerServer.
func (l *lister) List(context.Context, *podresourcesapi.ListPodResourcesRequest) (*podresourcesapi.ListPodResourcesResponse, error) {
	out := &podresourcesapi.ListPodResourcesResponse{}
	for _, pod := range l.m.cfg.Pods() {
		out.PodResources = append(out.PodResources, l.m.podResources(pod))
	}
	return out, nil
}

// Get implements podresourcesapi.PodResourcesListerServer.
func (l *lister) Get(_ context.Context, req *podresourcesapi.GetPodResourcesRequest) (*podresourcesapi.GetPodResourcesResponse, error) {
	for _, pod := range l.m.cfg.Pods() {
		if pod.Namespace == req.GetPodNamespace() && pod.Name == req.GetPodName() {
			return &podresourcesapi.GetPodResourcesResponse{PodResources: l.m.podResources(pod)}, nil
		}
	}
	return nil, status.Errorf(codes.NotFound, "pod %s in namespace %s not found", req.GetPodName(), req.GetPodNamespace())
}

// GetAllocatableResources implements podresourcesapi.PodResourcesListerServer.
func (l *lister) GetAllocatableResources(context.Context, *podresourcesapi.AllocatableResourcesRequest) (*podresourcesapi.AllocatableResourcesResponse, error) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	out := &podresourcesapi.AllocatableResourcesResponse{}
	for _, name := range slices.Sorted(maps.Keys(l.m.resources)) {
		state := l.m.resources[name]
		var healthy []string
		for _, id := range slices.Sorted(maps.Keys(state.devices)) {
			if state.devices[id].GetHealth() == pluginapi.Healthy {
				healthy = append(healthy, id)
			}
		}
		out.Devices = append(out.Devices, l.m.byNode(name, healthy)...)
	}
	return out, nil
}

func (m *Manager) podResources(pod *v1.Pod) *podresourcesapi.PodResources {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := &podresourcesapi.PodResources{Name: pod.Name, Namespace: pod.Namespace}
	for i := range pod.Spec.Containers {
		c := &podresourcesapi.ContainerResources{Name: pod.Spec.Containers[i].Name}
		resources := m.taken[pod.UID][c.Name]
		for _, name := range slices.Sorted(maps.Keys(resources)) {
			c.Devices = append(c.Devices, m.byNode(name, resources[name].IDs)...)
		}
		out.Containers = append(out.Containers, c)
	}
	return out
}

// byNode groups devices by the NUMA nodes they are near to. The lock is held.
func (m *Manager) byNode(name string, ids []string) []*podresourcesapi.ContainerDevices {
	groups := map[string]*podresourcesapi.ContainerDevices{}
	for _, id := range ids {
		var topology *podresourcesapi.TopologyInfo
		if state := m.resources[name]; state != nil {
			for _, node := range state.devices[id].GetTopology().GetNodes() {
				if topology == nil {
					topology = &podresourcesapi.TopologyInfo{}
				}
				topology.Nodes = append(topology.Nodes, &podresourcesapi.NUMANode{ID: node.GetID()})
			}
		}
		key := topology.String()
		if groups[key] == nil {
			groups[key] = &podresourcesapi.ContainerDevices{ResourceName: name, Topology: topology}
		}
		groups[key].DeviceIds = append(groups[key].DeviceIds, id)
	}
	out := make([]*podresourcesapi.ContainerDevices, 0, len(groups))
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, groups[key])
	}
	return out
}
