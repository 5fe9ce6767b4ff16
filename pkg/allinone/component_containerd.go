package allinone

import (
	"context"
	"os"

	"tiphys.dev/tiphys/pkg/allinone/containerd"
	"tiphys.dev/tiphys/pkg/allinone/image"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

func (a *assembly) buildContainerd(context.Context) (lifecycle.Runner, error) {
	return containerd.New(a.containerd, os.Stderr)
}

// buildImages imports the archives that came with the program.
func (a *assembly) buildImages(context.Context) (lifecycle.Runner, error) {
	importer := ImporterFor(a.cfg)
	return lifecycle.RunnerFunc(func(ctx context.Context) error {
		return importer.Bundled(ctx, a.cfg.ImageDir, a.paths.imageMarks())
	}), nil
}

// ImporterFor speaks to the containerd of a cluster with this configuration.
func ImporterFor(cfg Config) image.Importer {
	p := paths{data: cfg.DataDir, run: cfg.RunDir}
	return image.Importer{
		Ctr:    cfg.NodeBinDir + "/ctr",
		Socket: containerd.Config{State: p.containerdState()}.Socket(),
	}
}
