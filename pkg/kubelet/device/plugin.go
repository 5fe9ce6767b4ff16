package device

import (
	"context"

	"google.golang.org/grpc"

	"k8s.io/klog/v2"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// plugin is one registration of a device plugin.
type plugin struct {
	resource string
	options  *pluginapi.DevicePluginOptions
	conn     *grpc.ClientConn
	client   pluginapi.DevicePluginClient
}

// follow takes over the plugin's devices as it lists them, until it goes away.
func (p *plugin) follow(ctx context.Context, m *Manager) {
	defer func() {
		_ = p.conn.Close() // closed already when a newer registration took its place
		m.gone(ctx, p)
	}()
	if options, err := p.client.GetDevicePluginOptions(ctx, &pluginapi.Empty{}); err == nil {
		m.mu.Lock()
		p.options = options
		m.mu.Unlock()
	}
	stream, err := p.client.ListAndWatch(ctx, &pluginapi.Empty{})
	if err != nil {
		klog.FromContext(ctx).Error(err, "Following device plugin", "resource", p.resource)
		return
	}
	for {
		res, err := stream.Recv()
		if err != nil {
			return
		}
		m.update(p, res.GetDevices())
	}
}
