package hostpath

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// Name of the kind.
const Name = "kubernetes.io/host-path"

// Plugin is the kind.
type Plugin struct{}

var _ plugin.Plugin = &Plugin{}

// New builds the kind.
func New() *Plugin { return &Plugin{} }

// Name implements plugin.Plugin.
func (p *Plugin) Name() string { return Name }

// SetUp implements plugin.Plugin.
func (p *Plugin) SetUp(_ context.Context, req plugin.Request) (plugin.Mounted, error) {
	source := req.Volume.HostPath
	if req.PV != nil {
		source = req.PV.Spec.HostPath
	}
	kind := v1.HostPathUnset
	if source.Type != nil {
		kind = *source.Type
	}
	if err := Check(source.Path, kind); err != nil {
		return plugin.Mounted{}, err
	}
	if req.Block() {
		return plugin.Mounted{Block: source.Path, ReadOnly: req.ReadOnly}, nil
	}
	return plugin.Mounted{Path: source.Path, ReadOnly: req.ReadOnly}, nil
}

// Check tells whether the path is what kind says, after creating it for the kinds that ask for it.
func Check(path string, kind v1.HostPathType) error {
	if kind == v1.HostPathUnset {
		return nil
	}
	info, err := os.Stat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return fmt.Errorf("hostPath type check failed: %w", err)
	}
	switch kind {
	case v1.HostPathDirectoryOrCreate:
		if missing {
			return makeDir(path)
		}
		return require(info.IsDir(), path, "directory")
	case v1.HostPathFileOrCreate:
		if missing {
			return makeFile(path)
		}
		return require(info.Mode().IsRegular(), path, "file")
	case v1.HostPathDirectory:
		return require(!missing && info.IsDir(), path, "directory")
	case v1.HostPathFile:
		return require(!missing && info.Mode().IsRegular(), path, "file")
	case v1.HostPathSocket:
		return require(!missing && info.Mode()&fs.ModeSocket != 0, path, "socket file")
	case v1.HostPathCharDev:
		return require(!missing && info.Mode()&fs.ModeCharDevice != 0, path, "character device")
	case v1.HostPathBlockDev:
		return require(!missing && info.Mode()&fs.ModeDevice != 0 && info.Mode()&fs.ModeCharDevice == 0, path, "block device")
	}
	return fmt.Errorf("%s is an invalid volume type", kind)
}

func require(ok bool, path, what string) error {
	if !ok {
		return fmt.Errorf("hostPath type check failed: %s is not a %s", path, what)
	}
	return nil
}

func makeDir(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("creating hostPath directory: %w", err)
	}
	return nil
}

func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("creating hostPath file: %w", err)
	}
	return f.Close()
}
