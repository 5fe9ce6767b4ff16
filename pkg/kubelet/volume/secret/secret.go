package secret

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/kubelet/volume/atomicwriter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/content"
	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// Name of the kind.
const Name = "kubernetes.io/secret"

// Plugin is the kind.
type Plugin struct {
	objects plugin.Objects
	mounter mounter.Interface
	clock   clock.PassiveClock
}

var (
	_ plugin.Plugin    = &Plugin{}
	_ plugin.Refresher = &Plugin{}
)

// New builds the kind.
func New(objects plugin.Objects, mounter mounter.Interface, clock clock.PassiveClock) *Plugin {
	return &Plugin{objects: objects, mounter: mounter, clock: clock}
}

// Name implements plugin.Plugin.
func (p *Plugin) Name() string { return Name }

// SetUp implements plugin.Plugin.
func (p *Plugin) SetUp(ctx context.Context, req plugin.Request) (plugin.Mounted, error) {
	payload, err := p.payload(ctx, req)
	if err != nil {
		return plugin.Mounted{}, err
	}
	if err := content.MakeMemoryDir(p.mounter, req.Dir); err != nil {
		return plugin.Mounted{}, err
	}
	if err := content.Write(req, payload, p.clock.Now()); err != nil {
		return plugin.Mounted{}, err
	}
	return plugin.Mounted{Path: req.Dir, ReadOnly: true, Relabel: true}, nil
}

// Refresh implements plugin.Refresher.
func (p *Plugin) Refresh(ctx context.Context, req plugin.Request) error {
	payload, err := p.payload(ctx, req)
	if err != nil {
		return err
	}
	return content.Write(req, payload, p.clock.Now())
}

func (p *Plugin) payload(ctx context.Context, req plugin.Request) (atomicwriter.Payload, error) {
	source := req.Volume.Secret
	optional := source.Optional != nil && *source.Optional
	object, err := p.objects.Secret(ctx, req.Pod.Namespace, source.SecretName)
	if err != nil {
		if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("couldn't get secret %s/%s: %w", req.Pod.Namespace, source.SecretName, err)
		}
		if !optional {
			return nil, fmt.Errorf("secret %q not found", source.SecretName)
		}
		object = &v1.Secret{}
	}
	return Payload(source.Items, object, content.Mode(source.DefaultMode), optional)
}

// Payload projects the keys of a Secret to files. Without items every key is a file of its own name.
func Payload(items []v1.KeyToPath, object *v1.Secret, mode int32, optional bool) (atomicwriter.Payload, error) {
	out := make(atomicwriter.Payload, len(object.Data))
	if items == nil {
		for key, value := range object.Data {
			out[key] = atomicwriter.File{Data: value, Mode: mode}
		}
		return out, nil
	}
	for _, item := range items {
		file := atomicwriter.File{Mode: mode}
		if item.Mode != nil {
			file.Mode = *item.Mode
		}
		data, ok := object.Data[item.Key]
		if !ok {
			if optional {
				continue
			}
			return nil, fmt.Errorf("references non-existent secret key: %s", item.Key)
		}
		file.Data = data
		out[item.Path] = file
	}
	return out, nil
}
