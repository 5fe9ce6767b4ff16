package conntrack

import (
	"net/netip"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

// Flow is one tracked UDP exchange: where the client sent to, and who answers.
type Flow struct {
	Destination netip.AddrPort
	ReplySource netip.AddrPort
}

// translated tells whether somebody else than the addressee answers.
func (f Flow) translated() bool { return f.Destination != f.ReplySource }

// frontend is what one address and port leads to now.
type frontend struct {
	endpoints map[netip.AddrPort]bool
}

// nodePort is what a port on the node's own addresses leads to now, and what it led to before.
type nodePort struct {
	endpoints, before map[netip.AddrPort]bool
}

// Stale knows the frontends that changed.
type Stale struct {
	family    services.Family
	addresses map[netip.AddrPort]frontend
	nodePorts map[uint16]nodePort
	isLocal   func(netip.Addr) bool
}

// NewStale looks for the UDP frontends in a change whose endpoints or addresses
// are not what they were. isLocal tells the node's own addresses from others.
func NewStale(family services.Family, c services.Change, isLocal func(netip.Addr) bool) *Stale {
	s := &Stale{family: family, addresses: map[netip.AddrPort]frontend{}, nodePorts: map[uint16]nodePort{}, isLocal: isLocal}
	for _, name := range c.Changed {
		// What is gone leads to nothing; what is there now overwrites it.
		if before := c.Before[name]; before != nil {
			for _, p := range before.Ports {
				s.forget(p)
			}
		}
		if after := c.Services[name]; after != nil {
			for _, p := range after.Ports {
				s.remember(p)
			}
		}
	}
	return s
}

// Any tells whether there is anything to look for.
func (s *Stale) Any() bool { return len(s.addresses)+len(s.nodePorts) > 0 }

func (s *Stale) concerns(p *services.Port) bool {
	return p.Family == s.family && p.Protocol == v1.ProtocolUDP
}

func (s *Stale) forget(p *services.Port) {
	if !s.concerns(p) {
		return
	}
	for _, a := range addresses(p) {
		s.addresses[netip.AddrPortFrom(a, p.Port)] = frontend{}
	}
	if p.NodePort != 0 {
		s.nodePorts[p.NodePort] = nodePort{before: set(p.Cluster, p.Local)}
	}
}

func (s *Stale) remember(p *services.Port) {
	if !s.concerns(p) {
		return
	}
	for _, a := range addresses(p) {
		s.addresses[netip.AddrPortFrom(a, p.Port)] = frontend{endpoints: set(p.Cluster, p.Local)}
	}
	if p.NodePort != 0 {
		np := s.nodePorts[p.NodePort]
		np.endpoints = set(p.Cluster, p.Local)
		s.nodePorts[p.NodePort] = np
	}
}

// Match tells whether the rules would decide differently about a flow today.
// Entries without translation count as well when the frontend has endpoints: they
// were made while there was none.
func (s *Stale) Match(f Flow) bool {
	if fe, ok := s.addresses[f.Destination]; ok {
		if f.translated() {
			return !fe.endpoints[f.ReplySource]
		}
		return len(fe.endpoints) > 0
	}
	np, ok := s.nodePorts[f.Destination.Port()]
	if !ok || !s.isLocal(f.Destination.Addr()) {
		return false
	}
	if f.translated() {
		// Others may use the same port on this node, so only what was ours counts.
		return np.before[f.ReplySource] && !np.endpoints[f.ReplySource]
	}
	return len(np.endpoints) > 0
}

func addresses(p *services.Port) []netip.Addr {
	out := append([]netip.Addr{p.ClusterIP}, p.ExternalIPs...)
	return append(out, p.LoadBalancerIPs...)
}

func set(lists ...[]netip.AddrPort) map[netip.AddrPort]bool {
	out := map[netip.AddrPort]bool{}
	for _, l := range lists {
		for _, a := range l {
			out[a] = true
		}
	}
	return out
}
