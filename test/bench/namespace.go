package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// nodeAddress is the address of the node that a namespace plays.
const nodeAddress = "10.199.0.1"

// namespace is a network namespace with one address, a default route to nowhere, a
// server for the probe, and a relay to the API server. Nothing of it is visible outside, and
// it goes with the process.
type namespace struct {
	handle    netns.NsHandle
	work      chan func()
	listeners []net.Listener
}

// newNamespace makes one in which apiAddress, a loopback address of the host, answers.
func newNamespace(apiAddress string) (*namespace, error) {
	ns := &namespace{work: make(chan func())}
	made := make(chan error)
	go func() {
		// The thread stays in the namespace and ends with the goroutine, as it is never unlocked.
		runtime.LockOSThread()
		var err error
		ns.handle, err = netns.New()
		made <- err
		for f := range ns.work {
			f()
		}
	}()
	if err := <-made; err != nil {
		return nil, fmt.Errorf("making a network namespace: %w", err)
	}
	if err := ns.do(func() error { return ns.setUp(apiAddress) }); err != nil {
		ns.close()
		return nil, fmt.Errorf("setting up a network namespace: %w", err)
	}
	return ns, nil
}

// do runs f on the namespace's thread.
func (ns *namespace) do(f func() error) error {
	done := make(chan error)
	ns.work <- func() { done <- f() }
	return <-done
}

func (ns *namespace) setUp(apiAddress string) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	la := netlink.NewLinkAttrs()
	la.Name = "eth0"
	eth := &netlink.Veth{LinkAttrs: la, PeerName: "nowhere"}
	if err := netlink.LinkAdd(eth); err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(nodeAddress + "/24")
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return netlink.LinkSetUp(lo) },
		func() error { return netlink.AddrAdd(eth, addr) },
		func() error { return netlink.LinkSetUp(eth) },
		func() error {
			other, err := netlink.LinkByName("nowhere")
			if err != nil {
				return err
			}
			return netlink.LinkSetUp(other)
		},
		func() error {
			all := &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}
			return netlink.RouteAdd(&netlink.Route{Dst: all, LinkIndex: eth.Attrs().Index})
		},
		func() error { return ns.listen(apiAddress, func(c net.Conn) { relay(c, apiAddress) }) },
		func() error {
			return ns.listen(net.JoinHostPort(nodeAddress, strconv.Itoa(probePort)), func(c net.Conn) { c.Close() })
		},
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (ns *namespace) listen(address string, serve func(net.Conn)) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	ns.listeners = append(ns.listeners, l)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return nil
}

// relay carries a connection to the same address on the host.
func relay(c net.Conn, address string) {
	defer c.Close()
	up, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer up.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{up, c}, {c, up}} {
		go func() {
			// Either end may close; the other is closed then.
			_, _ = io.Copy(pair[0], pair[1])
			done <- struct{}{}
		}()
	}
	<-done
}

// start starts a command in the namespace. The channel closes when it has ended.
func (ns *namespace) start(cmd *exec.Cmd) (<-chan struct{}, error) {
	// The namespace's thread lives as long as the namespace, so this signal comes when both end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := ns.do(cmd.Start); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is stopped by a signal
		close(exited)
	}()
	return exited, nil
}

// answers waits until the probe's address accepts connections, or does not.
func (ns *namespace) answers(ctx context.Context, want bool, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := ns.do(func() error {
			c, err := net.DialTimeout("tcp", probeVIP, 200*time.Millisecond)
			if err == nil {
				c.Close()
			}
			return err
		})
		if (err == nil) == want {
			return nil
		}
		if e := pause(ctx, time.Millisecond); e != nil {
			return fmt.Errorf("connecting to %s, accepted should be %v: %w", probeVIP, want, err)
		}
	}
}

func (ns *namespace) close() {
	for _, l := range ns.listeners {
		l.Close()
	}
	close(ns.work)
	ns.handle.Close()
}
