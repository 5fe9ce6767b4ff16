package image

import (
	"context"
	"errors"

	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// Name of the kind.
const Name = "kubernetes.io/image"

// Plugin is the kind.
type Plugin struct{}

var _ plugin.Plugin = &Plugin{}

// New builds the kind.
func New() *Plugin { return &Plugin{} }

// Name implements plugin.Plugin.
func (p *Plugin) Name() string { return Name }

// SetUp implements plugin.Plugin.
func (p *Plugin) SetUp(_ context.Context, req plugin.Request) (plugin.Mounted, error) {
	if req.Volume.Image.Reference == "" {
		return plugin.Mounted{}, errors.New("image volume has no reference")
	}
	return plugin.Mounted{Image: req.Volume.Image.Reference, ReadOnly: true}, nil
}
