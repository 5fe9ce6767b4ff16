package downwardapi

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/kubelet/volume/atomicwriter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/content"
	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// Name of the kind.
const Name = "kubernetes.io/downward-api"

// Plugin is the kind.
type Plugin struct {
	mounter     mounter.Interface
	clock       clock.PassiveClock
	allocatable func() v1.ResourceList
}

var (
	_ plugin.Plugin    = &Plugin{}
	_ plugin.Refresher = &Plugin{}
)

// New builds the kind. allocatable is what the node offers to pods.
func New(mounter mounter.Interface, clock clock.PassiveClock, allocatable func() v1.ResourceList) *Plugin {
	return &Plugin{mounter: mounter, clock: clock, allocatable: allocatable}
}

// Name implements plugin.Plugin.
func (p *Plugin) Name() string { return Name }

// SetUp implements plugin.Plugin.
func (p *Plugin) SetUp(ctx context.Context, req plugin.Request) (plugin.Mounted, error) {
	if err := content.MakeMemoryDir(p.mounter, req.Dir); err != nil {
		return plugin.Mounted{}, err
	}
	if err := p.Refresh(ctx, req); err != nil {
		return plugin.Mounted{}, err
	}
	return plugin.Mounted{Path: req.Dir, ReadOnly: true, Relabel: true}, nil
}

// Refresh implements plugin.Refresher.
func (p *Plugin) Refresh(_ context.Context, req plugin.Request) error {
	source := req.Volume.DownwardAPI
	payload, err := Payload(source.Items, req.Pod, p.allocatable(), content.Mode(source.DefaultMode))
	if err != nil {
		return err
	}
	return content.Write(req, payload, p.clock.Now())
}

// Payload projects fields of the pod to files.
func Payload(items []v1.DownwardAPIVolumeFile, pod *v1.Pod, allocatable v1.ResourceList, mode int32) (atomicwriter.Payload, error) {
	out := make(atomicwriter.Payload, len(items))
	for _, item := range items {
		file := atomicwriter.File{Mode: mode}
		if item.Mode != nil {
			file.Mode = *item.Mode
		}
		var (
			value string
			err   error
		)
		if item.FieldRef != nil {
			value, err = Field(pod, item.FieldRef.FieldPath)
		} else if item.ResourceFieldRef != nil {
			value, err = Resource(pod, item.ResourceFieldRef, "", allocatable)
		}
		if err != nil {
			return nil, err
		}
		file.Data = []byte(value)
		out[item.Path] = file
	}
	return out, nil
}
