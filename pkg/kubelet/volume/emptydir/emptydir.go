package emptydir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"

	"tiphys.dev/tiphys/pkg/kubelet/volume/content"
	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/ownership"
	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// Name of the kind.
const Name = "kubernetes.io/empty-dir"

// readyMark says in the state directory that owners were set; the content belongs to the pod from then on.
const readyMark = "ready"

// Plugin is the kind.
type Plugin struct {
	mounter     mounter.Interface
	allocatable func() v1.ResourceList
}

var _ plugin.Plugin = &Plugin{}

// New builds the kind. allocatable bounds volumes in memory that have no limit of their own.
func New(mounter mounter.Interface, allocatable func() v1.ResourceList) *Plugin {
	return &Plugin{mounter: mounter, allocatable: allocatable}
}

// Name implements plugin.Plugin.
func (p *Plugin) Name() string { return Name }

// SetUp implements plugin.Plugin.
func (p *Plugin) SetUp(_ context.Context, req plugin.Request) (plugin.Mounted, error) {
	source := req.Volume.EmptyDir
	mounted := plugin.Mounted{Path: req.Dir, Relabel: true}
	if done, err := p.ready(req, source.Medium); err != nil || done {
		return mounted, err
	}
	var err error
	switch medium := source.Medium; {
	case medium == v1.StorageMediumDefault:
		err = content.MakeDir(req.Dir)
	case medium == v1.StorageMediumMemory:
		err = p.makeMemory(req)
	case strings.HasPrefix(string(medium), string(v1.StorageMediumHugePages)):
		err = p.makeHugePages(req)
	default:
		err = fmt.Errorf("unknown storage medium %q", medium)
	}
	if err != nil {
		return plugin.Mounted{}, err
	}
	if err := ownership.Apply(req.Dir, req.FSGroup(), nil, false); err != nil {
		return plugin.Mounted{}, err
	}
	if err := os.MkdirAll(req.StateDir, 0o750); err != nil {
		return plugin.Mounted{}, fmt.Errorf("marking volume ready: %w", err)
	}
	if err := os.WriteFile(filepath.Join(req.StateDir, readyMark), nil, 0o640); err != nil {
		return plugin.Mounted{}, fmt.Errorf("marking volume ready: %w", err)
	}
	return mounted, nil
}

// ready tells whether an earlier SetUp, maybe of an earlier process, finished.
func (p *Plugin) ready(req plugin.Request, medium v1.StorageMedium) (bool, error) {
	if _, err := os.Stat(filepath.Join(req.StateDir, readyMark)); err != nil {
		return false, nil
	}
	if medium == v1.StorageMediumDefault {
		_, err := os.Stat(req.Dir)
		return err == nil, nil
	}
	return p.mounter.Mounted(req.Dir)
}

func (p *Plugin) makeMemory(req plugin.Request) error {
	var options []string
	if size := MemorySize(req.Pod, req.Volume.EmptyDir, p.allocatable()); size > 0 {
		options = append(options, fmt.Sprintf("size=%d", size))
	}
	return content.MakeMemoryDir(p.mounter, req.Dir, options...)
}

// MemorySize is the smallest of what the node offers, what the pod may use, and what the volume itself says; 0 for none.
func MemorySize(pod *v1.Pod, source *v1.EmptyDirVolumeSource, allocatable v1.ResourceList) int64 {
	size := allocatable.Memory().Value()
	smaller := func(n int64) {
		if n > 0 && (size == 0 || n < size) {
			size = n
		}
	}
	bounded := true
	limits := resourcehelper.PodLimits(pod, resourcehelper.PodResourcesOptions{ContainerFn: func(l v1.ResourceList, _ resourcehelper.ContainerType) {
		if l.Memory().IsZero() {
			bounded = false
		}
	}})
	if bounded || resourcehelper.IsPodLevelLimitsSet(pod) && !pod.Spec.Resources.Limits.Memory().IsZero() {
		smaller(limits.Memory().Value())
	}
	if source.SizeLimit != nil {
		smaller(source.SizeLimit.Value())
	}
	return size
}

func (p *Plugin) makeHugePages(req plugin.Request) error {
	mounted, err := p.mounter.Mounted(req.Dir)
	if err != nil {
		return fmt.Errorf("looking at volume directory: %w", err)
	}
	if mounted {
		return nil
	}
	size, err := PageSize(req.Pod, req.Volume.EmptyDir.Medium)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(req.Dir, 0o750); err != nil {
		return fmt.Errorf("creating volume directory: %w", err)
	}
	if err := p.mounter.Mount("nodev", req.Dir, "hugetlbfs", 0, fmt.Sprintf("pagesize=%d", size.Value())); err != nil {
		return fmt.Errorf("mounting huge pages: %w", err)
	}
	return os.Chmod(req.Dir, 0o777)
}

// PageSize is the size a hugepages medium means: its own ("HugePages-2Mi"), or the one size that the pod's containers ask for.
func PageSize(pod *v1.Pod, medium v1.StorageMedium) (resource.Quantity, error) {
	if rest, ok := strings.CutPrefix(string(medium), string(v1.StorageMediumHugePagesPrefix)); ok && rest != "" {
		size, err := resource.ParseQuantity(rest)
		if err != nil {
			return size, fmt.Errorf("storage medium %q: %w", medium, err)
		}
		return size, nil
	}
	var found *resource.Quantity
	for name := range resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}) {
		rest, ok := strings.CutPrefix(string(name), v1.ResourceHugePagesPrefix)
		if !ok {
			continue
		}
		size, err := resource.ParseQuantity(rest)
		if err != nil {
			return size, fmt.Errorf("resource %q: %w", name, err)
		}
		if found != nil && found.Cmp(size) != 0 {
			return size, fmt.Errorf("medium: %s can't be used if container requests multiple huge page sizes", medium)
		}
		found = &size
	}
	if found == nil {
		return resource.Quantity{}, fmt.Errorf("medium %s needs a container that requests huge pages", medium)
	}
	return *found, nil
}
