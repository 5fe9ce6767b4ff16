package projected

import (
	"context"
	"errors"
	"fmt"
	"maps"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/kubelet/volume/atomicwriter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/configmap"
	"tiphys.dev/tiphys/pkg/kubelet/volume/content"
	"tiphys.dev/tiphys/pkg/kubelet/volume/downwardapi"
	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
	"tiphys.dev/tiphys/pkg/kubelet/volume/secret"
)

// Name of the kind.
const Name = "kubernetes.io/projected"

// Plugin is the kind.
type Plugin struct {
	objects     plugin.Objects
	tokens      *Tokens
	bundles     Bundles
	mounter     mounter.Interface
	clock       clock.PassiveClock
	allocatable func() v1.ResourceList
}

// Bundles gives trust anchors of ClusterTrustBundles; nil where the API does not serve them.
type Bundles interface {
	// Named returns the bundle of one object.
	Named(ctx context.Context, name string, optional bool) ([]byte, error)
	// Signed returns the anchors of all bundles of a signer that the selector picks.
	Signed(ctx context.Context, source *v1.ClusterTrustBundleProjection) ([]byte, error)
}

var (
	_ plugin.Plugin    = &Plugin{}
	_ plugin.Refresher = &Plugin{}
)

// New builds the kind.
func New(objects plugin.Objects, tokens *Tokens, bundles Bundles, mounter mounter.Interface, clock clock.PassiveClock, allocatable func() v1.ResourceList) *Plugin {
	return &Plugin{objects: objects, tokens: tokens, bundles: bundles, mounter: mounter, clock: clock, allocatable: allocatable}
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

// payload gathers all sources; every source that fails is named, not the first alone.
func (p *Plugin) payload(ctx context.Context, req plugin.Request) (atomicwriter.Payload, error) {
	mode := content.Mode(req.Volume.Projected.DefaultMode)
	out := atomicwriter.Payload{}
	var errs []error
	for i := range req.Volume.Projected.Sources {
		part, err := p.source(ctx, req, &req.Volume.Projected.Sources[i], mode)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		maps.Copy(out, part)
	}
	return out, errors.Join(errs...)
}

func (p *Plugin) source(ctx context.Context, req plugin.Request, source *v1.VolumeProjection, mode int32) (atomicwriter.Payload, error) {
	namespace := req.Pod.Namespace
	switch {
	case source.Secret != nil:
		optional := source.Secret.Optional != nil && *source.Secret.Optional
		object, err := p.objects.Secret(ctx, namespace, source.Secret.Name)
		if err != nil {
			if !apierrors.IsNotFound(err) {
				return nil, fmt.Errorf("couldn't get secret %s/%s: %w", namespace, source.Secret.Name, err)
			}
			if !optional {
				return nil, fmt.Errorf("secret %q not found", source.Secret.Name)
			}
			object = &v1.Secret{}
		}
		return secret.Payload(source.Secret.Items, object, mode, optional)
	case source.ConfigMap != nil:
		optional := source.ConfigMap.Optional != nil && *source.ConfigMap.Optional
		object, err := p.objects.ConfigMap(ctx, namespace, source.ConfigMap.Name)
		if err != nil {
			if !apierrors.IsNotFound(err) {
				return nil, fmt.Errorf("couldn't get configMap %s/%s: %w", namespace, source.ConfigMap.Name, err)
			}
			if !optional {
				return nil, fmt.Errorf("configmap %q not found", source.ConfigMap.Name)
			}
			object = &v1.ConfigMap{}
		}
		return configmap.Payload(source.ConfigMap.Items, object, mode, optional)
	case source.DownwardAPI != nil:
		return downwardapi.Payload(source.DownwardAPI.Items, req.Pod, p.allocatable(), mode)
	case source.ServiceAccountToken != nil:
		return p.token(ctx, req, source.ServiceAccountToken, mode)
	case source.ClusterTrustBundle != nil:
		return p.bundle(ctx, source.ClusterTrustBundle, mode)
	case source.PodCertificate != nil:
		return nil, errors.New("podCertificate sources are not supported by this kubelet")
	}
	return nil, nil
}

// token files are for the user the pod runs as, where that is known; else its group reads them through fsGroup.
func (p *Plugin) token(ctx context.Context, req plugin.Request, source *v1.ServiceAccountTokenProjection, mode int32) (atomicwriter.Payload, error) {
	token, err := p.tokens.Get(ctx, req.Pod, source)
	if err != nil {
		return nil, err
	}
	file := atomicwriter.File{Data: []byte(token), Mode: mode, Owner: User(req.Pod)}
	if file.Owner != nil || req.FSGroup() != nil {
		file.Mode = 0o600
	}
	return atomicwriter.Payload{source.Path: file}, nil
}

// User is the one user that all containers of the pod run as, nil when they differ or the image decides.
func User(pod *v1.Pod) *int64 {
	var common *int64
	var pick = func(c *v1.Container) *int64 {
		if c.SecurityContext != nil && c.SecurityContext.RunAsUser != nil {
			return c.SecurityContext.RunAsUser
		}
		if pod.Spec.SecurityContext != nil {
			return pod.Spec.SecurityContext.RunAsUser
		}
		return nil
	}
	for _, list := range [][]v1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			user := pick(&list[i])
			if user == nil || common != nil && *common != *user {
				return nil
			}
			common = user
		}
	}
	return common
}

func (p *Plugin) bundle(ctx context.Context, source *v1.ClusterTrustBundleProjection, mode int32) (atomicwriter.Payload, error) {
	if p.bundles == nil {
		return nil, errors.New("clusterTrustBundle sources need the ClusterTrustBundleProjection feature")
	}
	var (
		data []byte
		err  error
	)
	if source.Name != nil {
		data, err = p.bundles.Named(ctx, *source.Name, source.Optional != nil && *source.Optional)
	} else {
		data, err = p.bundles.Signed(ctx, source)
	}
	if err != nil {
		return nil, err
	}
	return atomicwriter.Payload{source.Path: {Data: data, Mode: mode}}, nil
}
