package device

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// vendor is a device plugin.
type vendor struct {
	pluginapi.UnimplementedDevicePluginServer
	lists chan []*pluginapi.Device
}

func (v *vendor) GetDevicePluginOptions(context.Context, *pluginapi.Empty) (*pluginapi.DevicePluginOptions, error) {
	return &pluginapi.DevicePluginOptions{GetPreferredAllocationAvailable: true}, nil
}

func (v *vendor) ListAndWatch(_ *pluginapi.Empty, stream grpc.ServerStreamingServer[pluginapi.ListAndWatchResponse]) error {
	for {
		select {
		case list := <-v.lists:
			if err := stream.Send(&pluginapi.ListAndWatchResponse{Devices: list}); err != nil {
				return err
			}
		case <-stream.Context().Done():
			return nil
		}
	}
}

// GetPreferredAllocation prefers the last ones.
func (v *vendor) GetPreferredAllocation(_ context.Context, req *pluginapi.PreferredAllocationRequest) (*pluginapi.PreferredAllocationResponse, error) {
	r := req.GetContainerRequests()[0]
	ids := r.GetAvailableDeviceIDs()
	return &pluginapi.PreferredAllocationResponse{ContainerResponses: []*pluginapi.ContainerPreferredAllocationResponse{{DeviceIDs: ids[len(ids)-int(r.GetAllocationSize()):]}}}, nil
}

func (v *vendor) Allocate(_ context.Context, req *pluginapi.AllocateRequest) (*pluginapi.AllocateResponse, error) {
	ids := strings.Join(req.GetContainerRequests()[0].GetDevicesIds(), ",")
	return &pluginapi.AllocateResponse{ContainerResponses: []*pluginapi.ContainerAllocateResponse{{Envs: map[string]string{"IDS": ids},
		Devices: []*pluginapi.DeviceSpec{{HostPath: "/dev/null", ContainerPath: "/dev/x", Permissions: "rw"}}}}}, nil
}

func pod(uid string, n string) *v1.Pod {
	p := &v1.Pod{}
	p.UID = types.UID(uid)
	p.Spec.Containers = []v1.Container{{Name: "c", Resources: v1.ResourceRequirements{Limits: v1.ResourceList{"example.com/x": resource.MustParse(n)}}}}
	return p
}

func TestPluginLife(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	active := []*v1.Pod{pod("a", "1"), pod("b", "1")}
	changed := make(chan struct{}, 100)
	cfg := Config{Dir: dir, Changed: func() { changed <- struct{}{} }, Pods: func() []*v1.Pod { mu.Lock(); defer mu.Unlock(); return active }}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	defer func() { cancel(); <-done }()

	v := &vendor{lists: make(chan []*pluginapi.Device, 10)}
	server := grpc.NewServer()
	pluginapi.RegisterDevicePluginServer(server, v)
	listener, err := net.Listen("unix", filepath.Join(dir, "vendor.sock"))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	conn, err := grpc.NewClient("unix://"+filepath.Join(dir, "kubelet.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := pluginapi.NewRegistrationClient(conn)
	for _, bad := range []*pluginapi.RegisterRequest{{Version: "v1", Endpoint: "vendor.sock", ResourceName: "example.com/x"}, {Version: "v1beta1", Endpoint: "vendor.sock", ResourceName: "cpu"},
		{Version: "v1beta1", Endpoint: "../x.sock", ResourceName: "example.com/x"}} {
		if _, err := client.Register(ctx, bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
	if _, err := client.Register(ctx, &pluginapi.RegisterRequest{Version: "v1beta1", Endpoint: "vendor.sock", ResourceName: "example.com/x"}); err != nil {
		t.Fatal(err)
	}
	v.lists <- []*pluginapi.Device{{ID: "1", Health: "Healthy"}, {ID: "2", Health: "Healthy"}, {ID: "3", Health: "Unhealthy"}}
	<-changed
	capacity, allocatable := m.Capacity()
	if c, a := capacity["example.com/x"], allocatable["example.com/x"]; c.Value() != 3 || a.Value() != 2 {
		t.Errorf("capacity %v allocatable %v", capacity, allocatable)
	}
	if err := m.AllocatePod(ctx, active[0]); err != nil {
		t.Fatal(err)
	}
	opts, err := m.Options(ctx, active[0], &active[0].Spec.Containers[0])
	if err != nil || string(opts.Envs[0].GetValue()) != "2" || opts.Devices[0].GetContainerPath() != "/dev/x" {
		t.Errorf("options %+v %v", opts, err)
	}
	if err := m.AllocatePod(ctx, pod("c", "2")); err == nil || !strings.Contains(err.Error(), "Requested: 2, Available: 1") {
		t.Errorf("err %v", err)
	}

	resources, err := (&lister{m: m}).List(ctx, nil)
	if err != nil || len(resources.GetPodResources()) != 2 || resources.GetPodResources()[0].GetContainers()[0].GetDevices()[0].GetDeviceIds()[0] != "2" {
		t.Errorf("pod resources %v %v", resources, err)
	}

	// A new kubelet keeps what was given, and gives it to nobody else.
	again, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if ids := again.Assigned("a")["c"]["example.com/x"]; len(ids) != 1 || ids[0] != "2" {
		t.Errorf("after a restart: %v", ids)
	}

	// The pod ends: its device is free.
	mu.Lock()
	active = active[1:]
	mu.Unlock()
	if err := m.AllocatePod(ctx, pod("b", "2")); err != nil {
		t.Errorf("after the release: %v", err)
	}
	server.Stop()
	<-changed // sent after the plugin was marked as gone
	_, allocatable = m.Capacity()
	if a := allocatable["example.com/x"]; a.Value() != 0 {
		t.Errorf("devices of a dead plugin are offered: %v", allocatable)
	}
	if err := m.AllocatePod(ctx, pod("d", "1")); err == nil {
		t.Error("a device of a dead plugin was given")
	}
}
