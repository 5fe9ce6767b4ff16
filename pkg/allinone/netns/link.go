package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"
)

// Wiring describes how a node's network hangs on the host's.
type Wiring struct {
	// HostLink is the host's end of the veth pair; the node's is called eth0.
	HostLink string
	// Switched: the node's and the host's link are there, joined by a Switch.
	Switched bool
	// HostAddress and NodeAddress are the two ends' addresses with their common prefix.
	HostAddress, NodeAddress netip.Prefix
	// Pods and Services are reached from the host through the node.
	Pods, Services netip.Prefix
}

// nodeLink is the interface inside; sinkLink takes packets for service addresses nobody serves.
const (
	nodeLink = "eth0"
	sinkLink = "services"
)

// Wire makes the pair, addresses and routes. What exists already is left.
func (s Set) Wire(w Wiring) error {
	node, err := vnetns.GetFromPath(s.Net())
	if err != nil {
		return fmt.Errorf("opening the node's network: %w", err)
	}
	defer node.Close()
	inside, err := netlink.NewHandleAt(node)
	if err != nil {
		return fmt.Errorf("speaking to the node's network: %w", err)
	}
	defer inside.Close()
	if !w.Switched {
		if err := makePair(w, node, inside); err != nil {
			return err
		}
	}
	if err := wireNode(inside, w); err != nil {
		return fmt.Errorf("node network: %w", err)
	}
	if !w.HostAddress.IsValid() {
		return nil // a further node: the host is wired with the first
	}
	if err := wireHost(w); err != nil {
		return fmt.Errorf("host network: %w", err)
	}
	return nil
}

func makePair(w Wiring, node vnetns.NsHandle, inside *netlink.Handle) error {
	if _, err := inside.LinkByName(nodeLink); err == nil {
		return nil
	}
	pair := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: w.HostLink},
		PeerName:      nodeLink,
		PeerNamespace: netlink.NsFd(int(node)),
	}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("making the veth pair %s: %w", w.HostLink, err)
	}
	return nil
}

// wireNode gives the node its address. It has no route out: what is neither the host's end, a pod
// nor a service is refused at once.
func wireNode(h *netlink.Handle, w Wiring) error {
	loopback, err := h.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := h.LinkSetUp(loopback); err != nil {
		return err
	}
	link, err := h.LinkByName(nodeLink)
	if err != nil {
		return err
	}
	if err := addAddress(h, link, w.NodeAddress); err != nil {
		return err
	}
	if err := h.LinkSetUp(link); err != nil {
		return err
	}
	// Local processes need a route to a service address before the proxy's rules see the packet.
	// An empty bridge is the sink for those no rule catches (a dummy link needs a kernel module).
	sink, err := h.LinkByName(sinkLink)
	if err != nil {
		if err := h.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: sinkLink}}); err != nil {
			return fmt.Errorf("making the sink for service addresses: %w", err)
		}
		if sink, err = h.LinkByName(sinkLink); err != nil {
			return err
		}
	}
	if err := h.LinkSetUp(sink); err != nil {
		return err
	}
	if err := h.RouteReplace(&netlink.Route{
		LinkIndex: sink.Attrs().Index, Dst: ipNet(w.Services), Src: w.NodeAddress.Addr().AsSlice(), Scope: netlink.SCOPE_LINK,
	}); err != nil {
		return fmt.Errorf("route to services: %w", err)
	}
	everywhere := &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}
	if err := h.RouteReplace(&netlink.Route{Dst: everywhere, Type: unreachable}); err != nil {
		return fmt.Errorf("closing the way out: %w", err)
	}
	return nil
}

// unreachable is RTN_UNREACHABLE: connections fail at once instead of timing out.
const unreachable = 7

func wireHost(w Wiring) error {
	link, err := netlink.LinkByName(w.HostLink)
	if err != nil {
		return err
	}
	handle := &netlink.Handle{}
	if err := addAddress(handle, link, w.HostAddress); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	for _, destination := range []netip.Prefix{w.Pods, w.Services} {
		if err := netlink.RouteReplace(&netlink.Route{
			LinkIndex: link.Attrs().Index, Dst: ipNet(destination), Gw: w.NodeAddress.Addr().AsSlice(),
		}); err != nil {
			return fmt.Errorf("route to %s: %w", destination, err)
		}
	}
	return nil
}

// RouteVia sends a range through one of the nodes behind a link of the host.
func RouteVia(hostLink string, destination netip.Prefix, node netip.Addr) error {
	link, err := netlink.LinkByName(hostLink)
	if err != nil {
		return fmt.Errorf("looking for %s: %w", hostLink, err)
	}
	if err := netlink.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(destination), Gw: node.AsSlice()}); err != nil {
		return fmt.Errorf("route to %s: %w", destination, err)
	}
	return nil
}

func addAddress(h *netlink.Handle, link netlink.Link, address netip.Prefix) error {
	err := h.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{
		IP: address.Addr().AsSlice(), Mask: net.CIDRMask(address.Bits(), address.Addr().BitLen()),
	}})
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("address %s on %s: %w", address, link.Attrs().Name, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// Unwire deletes the host's end; its routes and the other end go with it.
func Unwire(hostLink string) error {
	link, err := netlink.LinkByName(hostLink)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for %s: %w", hostLink, err)
	}
	if err := netlink.LinkDel(link); err != nil {
		return fmt.Errorf("deleting %s: %w", hostLink, err)
	}
	return nil
}

// HostPrefixes lists the ranges the host reaches or owns, without its default route, and the
// links they are on.
func HostPrefixes() (map[netip.Prefix]string, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("listing routes: %w", err)
	}
	names := map[int]string{}
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("listing links: %w", err)
	}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	found := map[netip.Prefix]string{}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		if p, err := netip.ParsePrefix(r.Dst.String()); err == nil && p.Bits() > 0 {
			found[p] = names[r.LinkIndex]
		}
	}
	return found, nil
}

// LinkNames lists the host's links whose name begins with prefix.
func LinkNames(prefix string) ([]string, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("listing links: %w", err)
	}
	var names []string
	for _, l := range links {
		if strings.HasPrefix(l.Attrs().Name, prefix) {
			names = append(names, l.Attrs().Name)
		}
	}
	slices.Sort(names)
	return names, nil
}
