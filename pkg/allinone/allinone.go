package allinone

import (
	"context"
	"net/netip"
	"time"

	"tiphys.dev/tiphys/pkg/allinone/containerd"
	"tiphys.dev/tiphys/pkg/allinone/datadir"
	"tiphys.dev/tiphys/pkg/allinone/etcd"
	"tiphys.dev/tiphys/pkg/allinone/preflight"
)

// AllInOne is a cluster that can be run.
type AllInOne struct{ cfg Config }

// New checks the configuration. It touches nothing.
func New(cfg Config) (*AllInOne, error) {
	if err := cfg.Complete(); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &AllInOne{cfg: cfg}, nil
}

// Run prepares the machine and the data directory, then runs all components until ctx ends or one
// fails in a way no restart cures.
func (s *AllInOne) Run(ctx context.Context) error {
	return runMachine(ctx, s.cfg, s.prepare)
}

// prepare does all that comes before the first component.
func (s *AllInOne) prepare(ctx context.Context) (prepared, error) {
	cfg := s.cfg
	if err := checkMachine(ctx, s.ports()); err != nil {
		return prepared{}, err
	}
	if err := datadir.CheckSpace(cfg.DataDir, spaceNeeded); err != nil {
		return prepared{}, err
	}
	if err := datadir.Settle(cfg.DataDir, datadir.Settings{
		ServiceCIDR: cfg.ServiceCIDR.String(), ClusterCIDR: cfg.ClusterCIDR.String(),
		ClusterDomain: cfg.ClusterDomain, NodeName: cfg.NodeName,
	}); err != nil {
		return prepared{}, err
	}
	if err := makeRoom(cfg); err != nil {
		return prepared{}, err
	}
	a, err := newAssembly(cfg)
	if err != nil {
		return prepared{}, err
	}
	if err := a.writeFiles(time.Now()); err != nil {
		return prepared{}, err
	}
	return prepared{members: a.members(), check: a.pki.Check}, nil
}

func newAssembly(cfg Config) (*assembly, error) {
	p := paths{data: cfg.DataDir, run: cfg.RunDir}
	mayLower, err := containerd.MayLowerOOMScore()
	if err != nil {
		return nil, err
	}
	return &assembly{cfg: cfg, paths: p, store: etcd.NewSource(), containerd: containerd.Config{
		BinDir: cfg.NodeBinDir, CNIBinDir: cfg.NodeBinDir, CNIConfDir: p.cniConf(),
		Root: p.containerd(), State: p.containerdState(), ConfigFile: p.config("containerd.toml"),
		RegistryConfigDir: p.registries(), PauseImage: pauseImage,
		RestrictOOMScore: !mayLower, SystemdCgroup: cfg.SystemdCgroup,
	}}, nil
}

// pauseImage is the image built beside this program.
const pauseImage = "registry.k8s.io/pause:3.10.2"

// ports are the fixed ones.
func (s *AllInOne) ports() []preflight.Port {
	everywhere := netip.IPv4Unspecified()
	return append([]preflight.Port{
		{For: apiServerName, Flag: "--api-port", Address: at(everywhere, s.cfg.APIPort)},
		{For: controllerManagerName, Address: at(loopback, 10257)},
		{For: schedulerName, Address: at(loopback, 10259)},
	}, nodePorts(s.cfg)...)
}
