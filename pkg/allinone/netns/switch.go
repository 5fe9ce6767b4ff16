package netns

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Switch joins several nodes and the host on one bridge. It lives in a network namespace of its own:
// on the host, packets between nodes would pass the host's packet filter.
type Switch struct {
	// Held is the switch's namespace.
	Held Set
	// HostLink is the host's end of its link to the switch.
	HostLink string
}

// Names inside the switch.
const (
	bridgeLink = "switch"
	hostPort   = "host"
)

// NodePort is the switch's end of the link to a node.
func NodePort(number int) string { return fmt.Sprintf("node%d", number) }

// Ensure makes the switch and its link to the host. A host that is joined with the first node directly
// is moved to it, and that node with it; its connections go on.
func (s Switch) Ensure() error {
	held, err := s.Held.HasNet()
	if err != nil {
		return err
	}
	if !held {
		if err := s.Held.Prepare(); err != nil {
			return err
		}
		if err := s.Held.NewNet(); err != nil {
			return err
		}
	}
	return s.inside(func(ns vnetns.NsHandle, h *netlink.Handle) error {
		bridge, err := ensureBridge(h)
		if err != nil {
			return err
		}
		if _, err := h.LinkByName(hostPort); err == nil {
			return nil
		}
		if link, err := netlink.LinkByName(s.HostLink); err == nil {
			if err := moveIn(link, NodePort(1), ns, h); err != nil {
				return fmt.Errorf("moving %s to the switch: %w", s.HostLink, err)
			}
			if err := plug(h, NodePort(1), bridge); err != nil {
				return err
			}
		}
		pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: s.HostLink}, PeerName: hostPort, PeerNamespace: netlink.NsFd(int(ns))}
		if err := netlink.LinkAdd(pair); err != nil {
			return fmt.Errorf("making the veth pair %s: %w", s.HostLink, err)
		}
		return plug(h, hostPort, bridge)
	})
}

// Join links a node to the switch, unless it is.
func (s Switch) Join(number int, node Set) error {
	return s.inside(func(ns vnetns.NsHandle, h *netlink.Handle) error {
		bridge, err := ensureBridge(h)
		if err != nil {
			return err
		}
		port := NodePort(number)
		if _, err := h.LinkByName(port); err != nil {
			into, err := vnetns.GetFromPath(node.Net())
			if err != nil {
				return fmt.Errorf("opening the node's network: %w", err)
			}
			defer into.Close()
			// Made here, and the node's end sent there: the host never has either.
			pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: port}, PeerName: nodeLink, PeerNamespace: netlink.NsFd(int(into))}
			if err := h.LinkAdd(pair); err != nil {
				return fmt.Errorf("making the link of node %d: %w", number, err)
			}
		}
		return plug(h, port, bridge)
	})
}

func (s Switch) inside(f func(vnetns.NsHandle, *netlink.Handle) error) error {
	ns, err := vnetns.GetFromPath(s.Held.Net())
	if err != nil {
		return fmt.Errorf("opening the switch: %w", err)
	}
	defer ns.Close()
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		return fmt.Errorf("speaking to the switch: %w", err)
	}
	defer h.Close()
	return f(ns, h)
}

func ensureBridge(h *netlink.Handle) (netlink.Link, error) {
	bridge, err := h.LinkByName(bridgeLink)
	if err != nil {
		if err := h.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridgeLink}}); err != nil {
			return nil, fmt.Errorf("making the switch: %w", err)
		}
		if bridge, err = h.LinkByName(bridgeLink); err != nil {
			return nil, err
		}
	}
	return bridge, h.LinkSetUp(bridge)
}

// moveIn gives a link of the host to the switch under another name. Addresses and routes stay behind.
func moveIn(link netlink.Link, name string, ns vnetns.NsHandle, h *netlink.Handle) error {
	if err := netlink.LinkSetDown(link); err != nil {
		return err
	}
	if err := netlink.LinkSetNsFd(link, int(ns)); err != nil {
		return err
	}
	moved, err := h.LinkByName(link.Attrs().Name)
	if err != nil {
		return err
	}
	return h.LinkSetName(moved, name)
}

func plug(h *netlink.Handle, name string, bridge netlink.Link) error {
	port, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("port %s of the switch: %w", name, err)
	}
	if err := h.LinkSetMaster(port, bridge); err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("port %s of the switch: %w", name, err)
	}
	return h.LinkSetUp(port)
}
