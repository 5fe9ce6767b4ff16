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
	"tiphys.dev/tiphys/pkg/allinone/datadir"
	"tiphys.dev/tiphys/pkg/allinone/preflight"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// What a server and an agent have in common: they run components on a machine.

// prepared is what comes out of preparing: the components, and a look at what the clock can end.
type prepared struct {
	members []lifecycle.Member
	check   func(now time.Time) error
}

// spaceNeeded is what must be free to start: a little room for logs and files.
const spaceNeeded = 64 << 20

// runMachine claims the data directory, prepares, and runs the components until ctx ends or one
// fails in a way no restart cures.
func runMachine(ctx context.Context, cfg Config, prepare func(context.Context) (prepared, error)) error {
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
	if err := runPrepared(ctx, teller, prepare); err != nil {
		teller.giveUp(err)
		return err
	}
	teller.stopped()
	return nil
}

func runPrepared(ctx context.Context, teller *teller, prepare func(context.Context) (prepared, error)) error {
	p, err := prepare(ctx)
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	// It ends with ctx only, and has nothing else to report.
	watch.Go(func() { _ = newClockWatch(p.check).Run(watching) })
	defer func() { stop(); watch.Wait() }()
	teller.expect(p.members)
	group, err := lifecycle.New(lifecycle.Config{Members: p.members, OnEvent: teller.tell})
	if err != nil {
		return err
	}
	return group.Run(ctx)
}

// makeRoom makes the cgroup, joins it, and makes the folder for sockets.
func makeRoom(cfg Config) error {
	if cfg.CgroupRoot != "" {
		root, err := cgrouproot.Open(cfg.CgroupRoot)
		if err != nil {
			return err
		}
		if err := errors.Join(root.Ensure("node"), root.Join("node")); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(cfg.RunDir, 0o755); err != nil {
		return fmt.Errorf("the folder for sockets: %w", err)
	}
	return nil
}

// checkMachine finds what would fail later.
func checkMachine(ctx context.Context, ports []preflight.Port) error {
	facts, err := preflight.Look(ctx)
	if err != nil {
		return err
	}
	problems := preflight.Problems(facts)
	if len(problems) == 0 {
		problems = preflight.CheckPorts(ports)
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	return forwardPackets()
}

// nodePorts are the fixed ones of kubelet and proxy.
func nodePorts(cfg Config) []preflight.Port {
	return []preflight.Port{
		{For: kubeletName, Address: at(cfg.NodeIP, 0)}, // is it an address of this machine?
		{For: kubeletName, Address: at(everywhere, 10250)},
		{For: kubeletName, Address: at(loopback, 10248)},
		{For: proxyName, Address: at(everywhere, 10256)},
		{For: proxyName, Address: at(loopback, 10249)},
	}
}

var (
	everywhere = netip.IPv4Unspecified()
	loopback   = netip.AddrFrom4([4]byte{127, 0, 0, 1})
)

func at(ip netip.Addr, port int) string { return netip.AddrPortFrom(ip, uint16(port)).String() }

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
