package nfs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	v1 "k8s.io/api/core/v1"
	mountutils "k8s.io/mount-utils"

	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// Name of the kind.
const Name = "kubernetes.io/nfs"

// Plugin is the kind.
type Plugin struct {
	mounter mounter.Interface
	mount   func(source, target, fstype string, options []string) error
}

var _ plugin.Plugin = &Plugin{}

// New builds the kind.
func New(m mounter.Interface) *Plugin {
	return &Plugin{mounter: m, mount: mountutils.New("").Mount}
}

// Name implements plugin.Plugin.
func (p *Plugin) Name() string { return Name }

// SetUp implements plugin.Plugin.
func (p *Plugin) SetUp(_ context.Context, req plugin.Request) (plugin.Mounted, error) {
	source, options := sourceOf(req)
	if source == nil {
		return plugin.Mounted{}, errors.New("no nfs source")
	}
	readOnly := source.ReadOnly || req.ReadOnly
	out := plugin.Mounted{Path: req.Dir, ReadOnly: readOnly}
	if mounted, err := p.mounter.Mounted(req.Dir); err != nil || mounted {
		return out, err
	}
	if err := os.MkdirAll(req.Dir, 0o750); err != nil {
		return plugin.Mounted{}, fmt.Errorf("creating volume directory: %w", err)
	}
	if readOnly {
		options = append(options, "ro")
	}
	if err := p.mount(address(source), req.Dir, "nfs", options); err != nil {
		return plugin.Mounted{}, fmt.Errorf("mounting nfs: %w", err)
	}
	return out, nil
}

func sourceOf(req plugin.Request) (*v1.NFSVolumeSource, []string) {
	if req.PV != nil {
		return req.PV.Spec.NFS, append([]string(nil), req.PV.Spec.MountOptions...)
	}
	return req.Volume.NFS, nil
}

// address puts IPv6 servers into brackets.
func address(s *v1.NFSVolumeSource) string {
	server := s.Server
	if ip := net.ParseIP(server); ip != nil && strings.Contains(server, ":") {
		server = "[" + server + "]"
	}
	return server + ":" + s.Path
}
