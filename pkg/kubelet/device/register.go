package device

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/klog/v2"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// registrar is the kubelet's side of the socket.
type registrar struct {
	pluginapi.UnsafeRegistrationServer
	m     *Manager
	ctx   context.Context // ends with the kubelet: what a registration starts outlives the call
	group sync.WaitGroup
}

// Register implements pluginapi.RegistrationServer.
func (r *registrar) Register(ctx context.Context, req *pluginapi.RegisterRequest) (*pluginapi.Empty, error) {
	if req.GetVersion() != pluginapi.Version {
		return nil, fmt.Errorf("requested API version %q is not supported by kubelet. Supported version is %q", req.GetVersion(), pluginapi.Version)
	}
	if err := checkName(req.GetResourceName()); err != nil {
		return nil, err
	}
	if filepath.Base(req.GetEndpoint()) != req.GetEndpoint() {
		return nil, fmt.Errorf("endpoint %q must be the name of a socket beside the kubelet's", req.GetEndpoint())
	}
	conn, err := grpc.NewClient("unix://"+filepath.Join(r.m.cfg.Dir, req.GetEndpoint()), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connecting to device plugin: %w", err)
	}
	p := &plugin{resource: req.GetResourceName(), options: req.GetOptions(), conn: conn, client: pluginapi.NewDevicePluginClient(conn)}
	r.m.mu.Lock()
	state := r.m.resources[p.resource]
	if state == nil {
		state = &resourceState{devices: map[string]*pluginapi.Device{}}
		r.m.resources[p.resource] = state
	}
	old := state.plugin
	state.plugin = p
	r.m.mu.Unlock()
	if old != nil {
		_ = old.conn.Close() // its stream ends, and with it its follower
	}
	klog.FromContext(ctx).Info("Device plugin registered", "resource", p.resource, "endpoint", req.GetEndpoint())
	r.group.Go(func() { p.follow(r.ctx, r.m) })
	return &pluginapi.Empty{}, nil
}

// checkName wants an extended resource: "vendor.example/thing", outside the kubernetes.io domain.
func checkName(name string) error {
	domain, _, ok := strings.Cut(name, "/")
	if errs := validation.IsQualifiedName(name); !ok || len(errs) > 0 || domain == "kubernetes.io" || strings.HasSuffix(domain, ".kubernetes.io") || strings.HasPrefix(name, "requests.") {
		return fmt.Errorf("the ResourceName %q is invalid: must be an extended resource, domain/name outside kubernetes.io", name)
	}
	return nil
}
