package local

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	mountutils "k8s.io/mount-utils"
	"k8s.io/utils/exec"

	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
	"tiphys.dev/tiphys/pkg/kubelet/volume/ownership"
	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// Name of the kind.
const Name = "kubernetes.io/local-volume"

// Plugin is the kind.
type Plugin struct{ mounter mounter.Interface }

var _ plugin.Plugin = &Plugin{}

// New builds the kind.
func New(m mounter.Interface) *Plugin { return &Plugin{mounter: m} }

// Name implements plugin.Plugin.
func (p *Plugin) Name() string { return Name }

// SetUp implements plugin.Plugin.
func (p *Plugin) SetUp(_ context.Context, req plugin.Request) (plugin.Mounted, error) {
	source := req.PV.Spec.Local
	readOnly := req.ReadOnly
	if req.Block() {
		return plugin.Mounted{Block: source.Path, ReadOnly: readOnly}, nil
	}
	out := plugin.Mounted{Path: req.Dir, ReadOnly: readOnly}
	if mounted, err := p.mounter.Mounted(req.Dir); err != nil || mounted {
		return out, err
	}
	info, err := os.Stat(source.Path)
	if err != nil {
		return plugin.Mounted{}, fmt.Errorf("looking at local volume: %w", err)
	}
	if err := os.MkdirAll(req.Dir, 0o750); err != nil {
		return plugin.Mounted{}, fmt.Errorf("creating volume directory: %w", err)
	}
	if err := p.mount(req, source.Path, info); err != nil {
		return plugin.Mounted{}, err
	}
	if readOnly {
		return out, nil
	}
	if err := ownership.Apply(req.Dir, req.FSGroup(), req.FSGroupChangePolicy(), false); err != nil {
		return plugin.Mounted{}, err
	}
	return out, nil
}

func (p *Plugin) mount(req plugin.Request, path string, info os.FileInfo) error {
	if info.IsDir() {
		flags := uintptr(unix.MS_BIND)
		if req.ReadOnly {
			flags |= unix.MS_RDONLY
		}
		if err := p.mounter.Mount(path, req.Dir, "", flags, ""); err != nil {
			return fmt.Errorf("binding local volume: %w", err)
		}
		return nil
	}
	if info.Mode()&os.ModeDevice == 0 {
		return fmt.Errorf("local volume %s is neither a directory nor a device", path)
	}
	fstype := "ext4"
	if t := req.PV.Spec.Local.FSType; t != nil && *t != "" {
		fstype = *t
	}
	options := append([]string(nil), req.PV.Spec.MountOptions...)
	if req.ReadOnly {
		options = append(options, "ro")
	}
	// Formats an empty device and checks a used one; that takes the file system's own tools.
	formatter := mountutils.NewSafeFormatAndMount(mountutils.New(""), exec.New())
	if err := formatter.FormatAndMount(path, req.Dir, fstype, options); err != nil {
		return fmt.Errorf("mounting local device: %w", err)
	}
	return nil
}
