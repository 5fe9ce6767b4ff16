package allinone

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"tiphys.dev/tiphys/pkg/allinone/cgrouproot"
	"tiphys.dev/tiphys/pkg/allinone/containerd"
	"tiphys.dev/tiphys/pkg/allinone/datadir"
	"tiphys.dev/tiphys/pkg/allinone/etcd"
	"tiphys.dev/tiphys/pkg/allinone/preflight"
	"tiphys.dev/tiphys/pkg/lifecycle"
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

// spaceNeeded is what must be free to start: a little room for etcd's log and files.
const spaceNeeded = 64 << 20

// Run prepares the machine and the data directory, then runs all components until ctx ends or one
// fails in a way no restart cures.
func (s *AllInOne) Run(ctx context.Context) error {
	cfg := s.cfg
	if err := datadir.Claim(cfg.DataDir); err != nil {
		return err
	}
	unlock, err := datadir.Lock(cfg.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	teller, err := newTeller(cfg)
	if err != nil {
		return err
	}
	if err := s.run(ctx, teller); err != nil {
		teller.giveUp(err)
		return err
	}
	teller.stopped()
	return nil
}

// run prepares and runs.
func (s *AllInOne) run(ctx context.Context, teller *teller) error {
	a, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	// It ends with ctx only, and has nothing else to report.
	watch.Go(func() { _ = newClockWatch(a.pki.Check).Run(watching) })
	defer func() { stop(); watch.Wait() }()
	members := a.members()
	teller.expect(members)
	group, err := lifecycle.New(lifecycle.Config{Members: members, OnEvent: teller.tell})
	if err != nil {
		return err
	}
	return group.Run(ctx)
}

// prepare does all that comes before the first component.
func (s *AllInOne) prepare(ctx context.Context) (*assembly, error) {
	cfg := s.cfg
	if err := s.checkMachine(ctx); err != nil {
		return nil, err
	}
	if err := datadir.CheckSpace(cfg.DataDir, spaceNeeded); err != nil {
		return nil, err
	}
	if err := datadir.Settle(cfg.DataDir, datadir.Settings{
		ServiceCIDR: cfg.ServiceCIDR.String(), ClusterCIDR: cfg.ClusterCIDR.String(),
		ClusterDomain: cfg.ClusterDomain, NodeName: cfg.NodeName,
	}); err != nil {
		return nil, err
	}
	if cfg.CgroupRoot != "" {
		root, err := cgrouproot.Open(cfg.CgroupRoot)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(root.Ensure("node"), root.Join("node")); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(cfg.RunDir, 0o755); err != nil {
		return nil, fmt.Errorf("the folder for sockets: %w", err)
	}
	a, err := newAssembly(cfg)
	if err != nil {
		return nil, err
	}
	if err := a.writeFiles(time.Now()); err != nil {
		return nil, err
	}
	return a, nil
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

// checkMachine finds what would fail later.
func (s *AllInOne) checkMachine(ctx context.Context) error {
	facts, err := preflight.Look(ctx)
	if err != nil {
		return err
	}
	problems := preflight.Problems(facts)
	if len(problems) == 0 {
		problems = preflight.CheckPorts(s.ports())
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	return forwardPackets()
}

// ports are the fixed ones.
func (s *AllInOne) ports() []preflight.Port {
	everywhere := netip.IPv4Unspecified()
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	at := func(ip netip.Addr, port int) string { return netip.AddrPortFrom(ip, uint16(port)).String() }
	return []preflight.Port{
		{For: apiServerName, Flag: "--api-port", Address: at(everywhere, s.cfg.APIPort)},
		{For: apiServerName, Address: at(s.cfg.NodeIP, 0)}, // is it an address of this machine?
		{For: controllerManagerName, Address: at(loopback, 10257)},
		{For: schedulerName, Address: at(loopback, 10259)},
		{For: kubeletName, Address: at(everywhere, 10250)},
		{For: kubeletName, Address: at(loopback, 10248)},
		{For: proxyName, Address: at(everywhere, 10256)},
		{For: proxyName, Address: at(loopback, 10249)},
	}
}

// forwardPackets makes the machine a router for its pods.
func forwardPackets() error {
	for _, name := range []string{"net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"} {
		path := "/proc/sys/" + name
		if have, err := os.ReadFile(path); err == nil && len(have) > 0 && have[0] == '1' {
			continue
		}
		if err := os.WriteFile(path, []byte("1"), 0o644); err != nil {
			return fmt.Errorf("pods need the kernel setting %s=1: %w", name, err)
		}
	}
	return nil
}
