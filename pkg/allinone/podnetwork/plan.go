package podnetwork

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	v1 "k8s.io/api/core/v1"
)

// route says where the pods of another node are.
type route struct {
	dst  netip.Prefix
	via  netip.Addr
	link int
}

// link is an interface with what is reached on it directly.
type link struct {
	index    int
	prefixes []netip.Prefix
}

// unreachable is a node whose pods cannot be reached, with the reason.
type unreachable struct{ node, why string }

// plan decides which routes there must be on the node called self.
func plan(self string, nodes []*v1.Node, links []link) (routes []route, problems []unreachable) {
	for _, n := range nodes {
		if n.Name == self {
			continue
		}
		for _, cidr := range ranges(n) {
			r, why := routeTo(n, cidr, links)
			if why != "" {
				problems = append(problems, unreachable{n.Name, why})
				continue
			}
			routes = append(routes, r)
		}
	}
	slices.SortFunc(routes, func(a, b route) int {
		return cmp.Or(a.dst.Addr().Compare(b.dst.Addr()), cmp.Compare(a.dst.Bits(), b.dst.Bits()), a.via.Compare(b.via))
	})
	slices.SortFunc(problems, func(a, b unreachable) int { return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.why, b.why)) })
	// A range is one node's; when two claim it (one is being deleted), the first keeps it.
	routes = slices.CompactFunc(routes, func(a, b route) bool { return a.dst == b.dst })
	return routes, slices.Compact(problems)
}

func routeTo(n *v1.Node, cidr netip.Prefix, links []link) (route, string) {
	var addresses []netip.Addr
	for _, a := range n.Status.Addresses {
		if ip, err := netip.ParseAddr(a.Address); err == nil && a.Type == v1.NodeInternalIP && ip.Unmap().Is4() == cidr.Addr().Is4() {
			addresses = append(addresses, ip.Unmap())
		}
	}
	if len(addresses) == 0 {
		return route{}, fmt.Sprintf("it has no address of the family of its pods (%s)", cidr)
	}
	for _, ip := range addresses {
		for _, l := range links {
			for _, p := range l.prefixes {
				if p.Contains(ip) {
					return route{dst: cidr, via: ip, link: l.index}, ""
				}
			}
		}
	}
	return route{}, fmt.Sprintf("its address %s is in no subnet of this node: pods reach each other between nodes of one subnet only (or with a network add-on of your own)", addresses[0])
}

// ranges are the pod ranges a node was given.
func ranges(n *v1.Node) []netip.Prefix {
	cidrs := n.Spec.PodCIDRs
	if len(cidrs) == 0 && n.Spec.PodCIDR != "" {
		cidrs = []string{n.Spec.PodCIDR}
	}
	var all []netip.Prefix
	for _, s := range cidrs {
		if p, err := netip.ParsePrefix(s); err == nil {
			all = append(all, p.Masked())
		}
	}
	return all
}

// difference tells what must be added and what removed.
func difference(have, want []route) (add, remove []route) {
	for _, r := range want {
		if !slices.Contains(have, r) {
			add = append(add, r)
		}
	}
	for _, r := range have {
		if !slices.Contains(want, r) && !slices.ContainsFunc(add, func(a route) bool { return a.dst == r.dst }) {
			remove = append(remove, r)
		}
	}
	return add, remove
}
