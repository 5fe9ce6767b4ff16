package sandbox

import (
	"fmt"
	"net/netip"
)

// Network is the addresses of one cluster.
type Network struct {
	Link     netip.Prefix `json:"link"`
	Pods     netip.Prefix `json:"pods"`
	Services netip.Prefix `json:"services"`
}

// slots is how many clusters find room beside each other.
const slots = 50

// networkOf gives a slot's ranges: 10.99.n.0/24 between host and node, 10.(100+n).0.0/16 for
// services, 10.(160+n).0.0/16 for pods.
func networkOf(slot int) Network {
	n := byte(slot)
	return Network{
		Link:     netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 99, n, 0}), 24),
		Services: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 100 + n, 0, 0}), 16),
		Pods:     netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 160 + n, 0, 0}), 16),
	}
}

// hostLink is the name of a slot's link on the host.
func hostLink(slot int) string { return fmt.Sprintf("%s%d", linkPrefix, slot) }

const linkPrefix = "tiphys"

// Host, Node and DNS are the addresses that matter.
func (n Network) Host() netip.Addr { return nth(n.Link, 1) }
func (n Network) Node() netip.Addr { return nth(n.Link, 2) }
func (n Network) DNS() netip.Addr  { return nth(n.Services, 10) }

// NodeAt is the address of a node by its number, from 1.
func (n Network) NodeAt(number int) netip.Addr { return nth(n.Link, 1+number) }

// NodePods is the part of Pods that the first node hands out.
func (n Network) NodePods() netip.Prefix { return netip.PrefixFrom(n.Pods.Addr(), 24) }

func nth(p netip.Prefix, n int) netip.Addr {
	a := p.Masked().Addr()
	for range n {
		a = a.Next()
	}
	return a
}

// conflict names a range of the host that overlaps with one of a slot's, ignoring the slot's own link.
func conflict(slot int, host map[netip.Prefix]string) (string, bool) {
	n := networkOf(slot)
	for prefix, link := range host {
		if link == hostLink(slot) {
			continue
		}
		for _, ours := range []netip.Prefix{n.Link, n.Pods, n.Services} {
			if ours.Overlaps(prefix) {
				return fmt.Sprintf("%s (on %s) overlaps with %s", prefix, link, ours), true
			}
		}
	}
	return "", false
}

// chooseSlot takes the lowest slot that no cluster has and whose ranges the host does not use.
func chooseSlot(taken map[int]bool, host map[netip.Prefix]string) (int, error) {
	for slot := range slots {
		if taken[slot] {
			continue
		}
		if _, clash := conflict(slot, host); !clash {
			return slot, nil
		}
	}
	return 0, fmt.Errorf("no free address range: all %d are taken by other clusters or by routes of this machine; remove a cluster with `tiphys dev down --name NAME --purge`", slots)
}
