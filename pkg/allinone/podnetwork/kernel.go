package podnetwork

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// protocol marks our routes among others' (see /etc/iproute2/rt_protos; numbers from 64 on that
// no registered daemon uses are free).
const protocol netlink.RouteProtocol = 84

// kernel is the routing table of our network namespace.
type kernel struct{ bridge string }

var families = []int{netlink.FAMILY_V4, netlink.FAMILY_V6}

// links lists the interfaces that are up with their subnets, without the pods' bridge.
func (k kernel) links() ([]link, error) {
	found, err := netlink.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("listing links: %w", err)
	}
	var all []link
	for _, l := range found {
		a := l.Attrs()
		if a.Flags&net.FlagUp == 0 || a.Flags&net.FlagLoopback != 0 || a.Name == k.bridge {
			continue
		}
		addresses, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		if errors.As(err, &netlink.LinkNotFoundError{}) || errors.Is(err, unix.ENODEV) {
			continue // it has just gone: a pod's
		}
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return nil, fmt.Errorf("listing the addresses of %s: %w", a.Name, err)
		}
		one := link{index: a.Index}
		for _, address := range addresses {
			if p, ok := prefix(address.IPNet); ok && !p.Addr().IsLinkLocalUnicast() {
				one.prefixes = append(one.prefixes, p)
			}
		}
		if len(one.prefixes) > 0 {
			all = append(all, one)
		}
	}
	return all, nil
}

// routes lists those that carry our mark.
func (k kernel) routes() ([]route, error) {
	var all []route
	for _, family := range families {
		found, err := netlink.RouteListFiltered(family, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return nil, fmt.Errorf("listing routes: %w", err)
		}
		for _, r := range found {
			dst, ok := prefix(r.Dst)
			via, _ := netip.AddrFromSlice(r.Gw)
			if ok {
				all = append(all, route{dst: dst, via: via.Unmap(), link: r.LinkIndex})
			}
		}
	}
	return all, nil
}

// apply makes the table as it should be, as far as it can.
func (k kernel) apply(add, remove []route) error {
	var errs []error
	for _, r := range remove {
		if err := netlink.RouteDel(r.netlink()); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("removing the route to %s: %w", r.dst, err))
		}
	}
	for _, r := range add {
		if err := netlink.RouteReplace(r.netlink()); err != nil {
			errs = append(errs, fmt.Errorf("route to %s via %s: %w", r.dst, r.via, err))
		}
	}
	return errors.Join(errs...)
}

func (r route) netlink() *netlink.Route {
	return &netlink.Route{
		LinkIndex: r.link, Gw: r.via.AsSlice(), Protocol: protocol,
		Dst: &net.IPNet{IP: r.dst.Addr().AsSlice(), Mask: net.CIDRMask(r.dst.Bits(), r.dst.Addr().BitLen())},
	}
}

// rebase gives the pods' bridge the gateway of a new range of the node. The bridge plugin wants to find
// its own gateway first; gateways of ranges before stay behind it, for the pods that have addresses of them.
func (k kernel) rebase(ours []netip.Prefix) error {
	bridge, err := netlink.LinkByName(k.bridge)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for %s: %w", k.bridge, err)
	}
	addresses, err := netlink.AddrList(bridge, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("listing the addresses of %s: %w", k.bridge, err)
	}
	var before []*net.IPNet
	for _, address := range addresses {
		p, ok := prefix(address.IPNet)
		if !ok || p.Addr().IsLinkLocalUnicast() || within(p, ours) {
			continue
		}
		if err := netlink.AddrDel(bridge, &address); err != nil {
			return fmt.Errorf("taking %s off %s: %w", p, k.bridge, err)
		}
		before = append(before, address.IPNet)
	}
	if len(before) == 0 {
		return nil
	}
	var after []*net.IPNet
	for _, p := range ours {
		after = append(after, &net.IPNet{IP: p.Masked().Addr().Next().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	for _, address := range append(after, before...) {
		if err := netlink.AddrReplace(bridge, &netlink.Addr{IPNet: address}); err != nil {
			return fmt.Errorf("giving %s the address %s: %w", k.bridge, address, err)
		}
	}
	return nil
}

func within(p netip.Prefix, ranges []netip.Prefix) bool {
	for _, r := range ranges {
		if r.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// prefix reads a subnet; an absent one (the default route's) is none.
func prefix(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(ip.Unmap(), bits).Masked(), ok
}

// follow calls changed when an interface goes or comes, until ctx ends. Interfaces of pods, which
// are ports of the bridge, do not count.
func (k kernel) follow(ctx context.Context, changed func()) error {
	updates, done := make(chan netlink.LinkUpdate, 64), make(chan struct{})
	failed := make(chan error, 1)
	if err := netlink.LinkSubscribeWithOptions(updates, done, netlink.LinkSubscribeOptions{
		ErrorCallback: func(err error) {
			select {
			case failed <- err:
			default:
			}
		},
	}); err != nil {
		return fmt.Errorf("following the kernel's links: %w", err)
	}
	defer close(done)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("following the kernel's links: %w", err)
		case u, open := <-updates:
			if !open {
				return errors.New("following the kernel's links ended")
			}
			if a := u.Attrs(); a.MasterIndex == 0 && a.Name != k.bridge {
				changed()
			}
		}
	}
}
