package allinone

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// machineAddress is the address of the interface with the default route.
func machineAddress() (netip.Addr, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("listing routes: %w", err)
	}
	for _, r := range routes {
		if r.Dst != nil && r.Dst.IP.String() != "0.0.0.0" {
			continue
		}
		link, err := netlink.LinkByIndex(r.LinkIndex)
		if err != nil {
			continue // a route without an interface (unreachable, blackhole)
		}
		addresses, err := netlink.AddrList(link, netlink.FAMILY_V4)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("listing addresses of %s: %w", link.Attrs().Name, err)
		}
		for _, a := range addresses {
			if ip, ok := netip.AddrFromSlice(a.IP.To4()); ok {
				return ip, nil
			}
		}
	}
	return netip.Addr{}, errors.New("this machine has no default route to take its address from: give one with --node-ip")
}
