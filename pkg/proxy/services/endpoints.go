package services

import (
	"net/netip"
	"slices"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
)

// endpoint is one address and port that some slice offers for a service port.
type endpoint struct {
	addr        netip.AddrPort
	ready       bool
	serving     bool
	terminating bool
	local       bool
	// zones and nodes are the topology hints; nil when the slice gives none.
	zones []discovery.ForZone
	nodes []discovery.ForNode
}

// collect gathers the endpoints for one port from all slices of a service,
// sorted by address. The same address may stand in two slices for a moment while
// the controller moves it; the better state wins then.
func collect(eps []*discovery.EndpointSlice, portName string, proto v1.Protocol, family Family, node string) []endpoint {
	var out []endpoint
	for _, slice := range eps {
		if _, other := slice.Labels[LabelServiceProxyName]; other || !ofFamily(slice, family) {
			continue
		}
		for i := range slice.Ports {
			sp := &slice.Ports[i]
			if sp.Port == nil || deref(sp.Name) != portName {
				continue
			}
			if slicesProto := sp.Protocol; slicesProto != nil && *slicesProto != proto {
				continue
			}
			for j := range slice.Endpoints {
				if e, ok := parse(&slice.Endpoints[j], uint16(*sp.Port), family, node); ok {
					out = append(out, e)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b endpoint) int {
		if c := a.addr.Compare(b.addr); c != 0 {
			return c
		}
		return rank(a) - rank(b)
	})
	return slices.CompactFunc(out, func(a, b endpoint) bool { return a.addr == b.addr })
}

func rank(e endpoint) int {
	switch {
	case e.ready:
		return 0
	case e.serving:
		return 1
	}
	return 2
}

func ofFamily(s *discovery.EndpointSlice, family Family) bool {
	if family == IPv6 {
		return s.AddressType == discovery.AddressTypeIPv6
	}
	return s.AddressType == discovery.AddressTypeIPv4
}

// parse reads an endpoint. Missing conditions mean what the API says: ready
// when unknown, serving as ready, not terminating.
func parse(ep *discovery.Endpoint, port uint16, family Family, node string) (endpoint, bool) {
	if len(ep.Addresses) == 0 {
		return endpoint{}, false
	}
	// All addresses of an endpoint are equivalent; consumers use the first.
	a, err := netip.ParseAddr(ep.Addresses[0])
	if err != nil || FamilyOf(a.Unmap()) != family {
		return endpoint{}, false
	}
	e := endpoint{
		addr:        netip.AddrPortFrom(a.Unmap(), port),
		ready:       ep.Conditions.Ready == nil || *ep.Conditions.Ready,
		terminating: ep.Conditions.Terminating != nil && *ep.Conditions.Terminating,
		local:       ep.NodeName != nil && *ep.NodeName == node,
	}
	e.serving = e.ready
	if ep.Conditions.Serving != nil {
		e.serving = *ep.Conditions.Serving
	}
	if ep.Hints != nil {
		e.zones, e.nodes = ep.Hints.ForZones, ep.Hints.ForNodes
	}
	return e, true
}

// usable returns the ready endpoints or, when none is, those that go away but
// still serve: a rollout that leaves a node or service with terminating
// endpoints only must not break connections.
func usable(all []endpoint) []endpoint {
	var ready, draining []endpoint
	for _, e := range all {
		switch {
		case e.ready:
			ready = append(ready, e)
		case e.serving && e.terminating:
			draining = append(draining, e)
		}
	}
	if len(ready) > 0 {
		return ready
	}
	return draining
}

func addrs(eps []endpoint) []netip.AddrPort {
	out := make([]netip.AddrPort, 0, len(eps))
	for _, e := range eps {
		out = append(out, e.addr)
	}
	return out
}

// reorder returns next so that every address that is also in prev keeps its
// index as far as possible: new ones fill the gaps first, then those from the
// end are moved down. One endpoint more or less is then one or two places in the
// kernel's maps, however long the list.
func reorder(prev, next []netip.AddrPort) []netip.AddrPort {
	if len(prev) == 0 || len(next) == 0 {
		return next
	}
	stay := make(map[netip.AddrPort]bool, len(next))
	for _, a := range next {
		stay[a] = true
	}
	out := make([]netip.AddrPort, len(next))
	placed := make(map[netip.AddrPort]bool, len(next))
	for i, a := range prev {
		if i < len(out) && stay[a] {
			out[i] = a
			placed[a] = true
		}
	}
	hole := 0
	for _, a := range next {
		if placed[a] {
			continue
		}
		for out[hole].IsValid() {
			hole++
		}
		out[hole] = a
	}
	return out
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
