package nftables

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

// ForService returns what one service needs in the table of one family. It
// returns nil for no service.
func ForService(o *Options, node services.Node, svc *services.Service) *Fragment {
	if svc == nil {
		return nil
	}
	f := &Fragment{}
	for _, p := range svc.Ports {
		if p.Family == o.Family {
			b := &portBuilder{o: o, node: node, p: p, f: f}
			b.build()
		}
	}
	return f
}

// portBuilder collects the objects of one port.
type portBuilder struct {
	o    *Options
	node services.Node
	p    *services.Port
	f    *Fragment
}

func (b *portBuilder) build() {
	p := b.p
	b.f.Elements = append(b.f.Elements, Element{Container: setClusterIPs, Key: p.ClusterIP.String()})
	external := slices.Concat(p.ExternalIPs, p.LoadBalancerIPs)
	slices.SortFunc(external, netip.Addr.Compare)
	external = slices.Compact(external)
	b.firewall()

	if !p.Reachable {
		for _, a := range append([]netip.Addr{p.ClusterIP}, external...) {
			b.element(mapNoEndpointServices, b.frontend(a), "goto "+chainReject)
		}
		if p.NodePort != 0 {
			b.element(mapNoEndpointNodePorts, b.nodePort(), "goto "+chainReject)
		}
		return
	}

	for _, a := range p.Here {
		b.f.Elements = append(b.f.Elements, Element{Container: setHairpin, Key: a.String() + " . " + a.String()})
	}
	if eps := p.Internal(); len(eps) > 0 {
		b.balance(mapServiceIPs, p.ClusterIP, sharedPrefixCluster, eps)
	} else {
		// Only with the Local policy: others could answer, but must not be asked.
		b.element(mapNoEndpointServices, b.frontend(p.ClusterIP), "drop")
	}
	for _, a := range external {
		b.external(a, mapServiceIPs, mapLocalServiceIPs)
	}
	if p.NodePort != 0 {
		b.external(netip.Addr{}, mapServiceNodePorts, mapLocalServiceNodePorts)
	}
}

// external adds a frontend of the outside; the zero address stands for the node port.
func (b *portBuilder) external(a netip.Addr, verdicts, localVerdicts string) {
	p := b.p
	if !p.ExternalLocal {
		// Any node may be asked, so the answer must come back through this one.
		b.balance(verdicts, a, sharedPrefixMasq, p.Cluster)
		return
	}
	// The outside sees only endpoints of this node, which see its address. Pods and the
	// node itself need no such care and reach all endpoints.
	if len(p.Local) > 0 {
		b.balance(localVerdicts, a, sharedPrefixLocal, p.Local)
	} else {
		b.element(localVerdicts, b.key(a), "drop")
	}
	b.balance(verdicts, a, sharedPrefixHost, p.Cluster)
}

// balance sends a frontend to a list of endpoints.
func (b *portBuilder) balance(verdicts string, a netip.Addr, kind string, eps []netip.AddrPort) {
	if b.p.AffinityTimeout > 0 {
		b.element(verdicts, b.key(a), "goto "+b.affinity(kind, eps))
		return
	}
	shared := SharedChain{Kind: kind, Protocol: protocol(b.p), NodePorts: !a.IsValid(), Endpoints: len(eps)}
	if !slices.Contains(b.f.Shared, shared) {
		b.f.Shared = append(b.f.Shared, shared)
	}
	b.element(verdicts, b.key(a), "goto "+shared.Name())
	container, key := shared.endpoints(), strconv.Itoa(int(b.p.NodePort))
	if a.IsValid() {
		key = a.String() + " . " + strconv.Itoa(int(b.p.Port))
	}
	for i, ep := range eps {
		b.f.Elements = append(b.f.Elements, Element{Container: container,
			Key:   key + " . " + strconv.Itoa(i),
			Value: ep.Addr().String() + " . " + strconv.Itoa(int(ep.Port()))})
	}
}

// affinity adds the chains for clients that stay with their endpoint and returns
// the one to go to. Each endpoint has a set of the clients that it served, from
// which the kernel drops those that stay away longer than the timeout.
func (b *portBuilder) affinity(kind string, eps []netip.AddrPort) string {
	hdr := ip(b.o.Family)
	prefix := ownPrefixServiceChain
	if kind == sharedPrefixLocal || (b.p.InternalLocal && kind == sharedPrefixCluster) {
		prefix = sharedPrefixLocal
	}
	name := ownName(prefix, b.p)
	if !b.hasChain(name) {
		var rules []string
		choice := ""
		for i, ep := range eps {
			to := b.affinityEndpoint(ep)
			rules = append(rules, fmt.Sprintf("%s saddr @%s goto %s", hdr, b.affinitySet(ep), to))
			if i > 0 {
				choice += " , "
			}
			choice += fmt.Sprintf("%d : goto %s", i, to)
		}
		rules = append(rules, fmt.Sprintf("numgen random mod %d vmap { %s }", len(eps), choice))
		b.f.Chains = append(b.f.Chains, Chain{Name: name, Rules: rules})
	}
	mark := ""
	switch kind {
	case sharedPrefixMasq:
		mark = b.o.mark()
	case sharedPrefixHost:
		mark = "fib saddr type local " + b.o.mark()
	default:
		return name
	}
	outer := ownName(kind, b.p)
	if !b.hasChain(outer) {
		b.f.Chains = append(b.f.Chains, Chain{Name: outer, Rules: []string{mark, "goto " + name}})
	}
	return outer
}

func (b *portBuilder) affinitySet(ep netip.AddrPort) string {
	// The timeout is part of the name: a set cannot be given another one.
	return ownName(ownPrefixAffinity, b.p, endpointWords(ep), strconv.Itoa(int(b.p.AffinityTimeout/time.Second)))
}

func (b *portBuilder) affinityEndpoint(ep netip.AddrPort) string {
	set := b.affinitySet(ep)
	name := ownName(ownPrefixEndpoint, b.p, endpointWords(ep))
	if b.hasChain(name) {
		return name
	}
	b.f.Containers = append(b.f.Containers, Container{Name: set, Key: addrType(b.o.Family), Timeout: int(b.p.AffinityTimeout / time.Second)})
	b.f.Chains = append(b.f.Chains, Chain{Name: name, Rules: []string{
		fmt.Sprintf("update @%s { %s saddr }", set, ip(b.o.Family)),
		fmt.Sprintf("meta l4proto %s dnat to %s", protocol(b.p), ep),
	}})
	return name
}

// firewall limits load balancer addresses to their source ranges.
func (b *portBuilder) firewall() {
	p, hdr := b.p, ip(b.o.Family)
	if len(p.SourceRanges) == 0 || len(p.LoadBalancerIPs) == 0 {
		return
	}
	fromNode := false
	var rules []string
	for _, r := range p.SourceRanges {
		if r.Bits() == 0 {
			return // everybody
		}
		rules = append(rules, fmt.Sprintf("%s saddr %s return", hdr, r))
		if n := b.node.IPs[b.o.Family]; n.IsValid() && r.Contains(n) {
			fromNode = true
		}
	}
	if fromNode {
		// Where the balancer's address is also configured on the node, the node's
		// own requests come from that address.
		for _, a := range p.LoadBalancerIPs {
			rules = append(rules, fmt.Sprintf("%s saddr %s return", hdr, a))
		}
	}
	name := ownName(ownPrefixFirewall, p)
	b.f.Chains = append(b.f.Chains, Chain{Name: name, Rules: append(rules, "drop")})
	for _, a := range p.LoadBalancerIPs {
		b.element(mapFirewallIPs, b.frontend(a), "goto "+name)
	}
}

func (b *portBuilder) element(container, key, value string) {
	b.f.Elements = append(b.f.Elements, Element{Container: container, Key: key, Value: value, Comment: comment(b.p)})
}

func (b *portBuilder) key(a netip.Addr) string {
	if a.IsValid() {
		return b.frontend(a)
	}
	return b.nodePort()
}

func (b *portBuilder) frontend(a netip.Addr) string {
	return a.String() + " . " + protocol(b.p) + " . " + strconv.Itoa(int(b.p.Port))
}

func (b *portBuilder) nodePort() string {
	return protocol(b.p) + " . " + strconv.Itoa(int(b.p.NodePort))
}

func (b *portBuilder) hasChain(name string) bool {
	return slices.ContainsFunc(b.f.Chains, func(c Chain) bool { return c.Name == name })
}
