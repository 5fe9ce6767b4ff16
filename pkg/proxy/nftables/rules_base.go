package nftables

import (
	"fmt"
	"net/netip"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

// Options are the settings that rules depend on. They do not change while a table lives.
type Options struct {
	Family services.Family
	// MasqueradeMark is the bit of the packet mark that asks for masquerading.
	MasqueradeMark uint32
	// MasqueradeAll masquerades everything that goes to a cluster IP.
	MasqueradeAll bool
	// LocalTraffic tells traffic of this node's (or the cluster's) pods from other traffic.
	LocalTraffic LocalTraffic
	// NodePortAddresses limits node ports to local addresses in these ranges;
	// NodePortPrimary to the node's primary address. With neither, all local addresses
	// accept them.
	NodePortAddresses []netip.Prefix
	NodePortPrimary   bool
	// DropInvalid drops forwarded packets that conntrack cannot place. Without it
	// such a packet leaves the node without address translation, and the peer
	// answers the stranger with a reset that kills the true connection.
	DropInvalid bool
}

// LocalTraffic is how pod traffic is recognized. The zero value recognizes none.
type LocalTraffic struct {
	// CIDR is a source range; NodeCIDR takes the node's own range instead.
	CIDR     netip.Prefix
	NodeCIDR bool
	// Interface is an incoming interface's name; a final * stands for any rest.
	Interface string
}

// not returns the match for traffic that is not local, and whether there is one.
func (l LocalTraffic) not(family services.Family, node services.Node) (string, bool) {
	switch {
	case l.Interface != "":
		return fmt.Sprintf("iifname != %q", l.Interface), true
	case l.NodeCIDR && node.PodCIDRs[family].IsValid():
		return fmt.Sprintf("%s saddr != %s", ip(family), node.PodCIDRs[family]), true
	case !l.NodeCIDR && l.CIDR.IsValid():
		return fmt.Sprintf("%s saddr != %s", ip(family), l.CIDR), true
	}
	return "", false
}

// ip is the name of the header, and of the table's family.
func ip(f services.Family) string {
	if f == services.IPv6 {
		return "ip6"
	}
	return "ip"
}

func addrType(f services.Family) string {
	if f == services.IPv6 {
		return "ipv6_addr"
	}
	return "ipv4_addr"
}

// mark is the statement that asks for masquerading.
func (o *Options) mark() string {
	return fmt.Sprintf("meta mark set meta mark or %#x", o.MasqueradeMark)
}

// Base returns what every table has, with services or without.
func Base(o *Options, node services.Node, serviceCIDRs []netip.Prefix) *Fragment {
	f := &Fragment{}
	baseContainers(o, f)
	baseFilter(o, f, serviceCIDRs)
	baseNAT(o, f, node)
	return f
}

func baseContainers(o *Options, f *Fragment) {
	addr, hdr := addrType(o.Family), ip(o.Family)
	frontend := addr + " . inet_proto . inet_service"
	nodePort := "inet_proto . inet_service"
	f.Containers = append(f.Containers,
		Container{Name: setClusterIPs, Key: addr},
		Container{Name: setNodePortIPs, Key: addr},
		Container{Name: setHairpin, Key: addr + " . " + addr},
		Container{Name: mapServiceIPs, Key: frontend, Value: "verdict"},
		Container{Name: mapServiceNodePorts, Key: nodePort, Value: "verdict"},
		Container{Name: mapNoEndpointServices, Key: frontend, Value: "verdict"},
		Container{Name: mapNoEndpointNodePorts, Key: nodePort, Value: "verdict"},
		Container{Name: mapFirewallIPs, Key: frontend, Value: "verdict"},
		Container{Name: mapLocalServiceIPs, Key: frontend, Value: "verdict"},
		Container{Name: mapLocalServiceNodePorts, Key: nodePort, Value: "verdict"},
	)
	// A place in a list of endpoints has the type of a random number, which only an
	// expression can name, and a map is declared either with types or with expressions.
	// There is one map for each protocol because nft 1.0.6 mistakes the port of any
	// protocol (th dport) in such a map when a later transaction refers to it.
	for _, proto := range protocols {
		place, target := " dport . numgen random mod 2", hdr+" daddr . "+proto+" dport"
		for _, name := range []string{mapServiceEndpoints, mapLocalServiceEndpoints} {
			f.Containers = append(f.Containers, Container{Name: name + "-" + proto, TypeOf: true, Key: hdr + " daddr . " + proto + place, Value: target})
		}
		for _, name := range []string{mapNodePortEndpoints, mapLocalNodePortEndpoints} {
			f.Containers = append(f.Containers, Container{Name: name + "-" + proto, TypeOf: true, Key: proto + place, Value: target})
		}
	}
}

// baseFilter holds what refuses traffic. It looks at new connections only.
func baseFilter(o *Options, f *Fragment, serviceCIDRs []netip.Prefix) {
	hdr := ip(o.Family)
	frontend := hdr + " daddr . meta l4proto . th dport"
	filter := func(hook, priority string) *Hook { return &Hook{"filter", hook, priority} }
	chain := func(name string, base *Hook, rules ...string) {
		f.Chains = append(f.Chains, Chain{Name: name, Base: base, Rules: rules})
	}
	jump := func(to string) string { return "ct state new jump " + to }

	// Who may use a load balancer's address is asked before the address is gone.
	chain(chainFirewallCheck, nil, frontend+" vmap @"+mapFirewallIPs)
	chain(chainReject, nil, "reject")
	chain(chainServicesCheck, nil, frontend+" vmap @"+mapNoEndpointServices)
	// Without endpoints nothing was translated, so the packet still carries the node port.
	nodePortMatch := "fib daddr type local " + notLoopback(o.Family)
	if o.NodePortPrimary || len(o.NodePortAddresses) > 0 {
		nodePortMatch = hdr + " daddr @" + setNodePortIPs
	}
	chain(chainNodePortsCheck, nil, nodePortMatch+" meta l4proto . th dport vmap @"+mapNoEndpointNodePorts)
	// After translation a cluster IP is left only when it has no such port.
	check := []string{hdr + " daddr @" + setClusterIPs + " reject"}
	for _, c := range serviceCIDRs {
		if services.FamilyOf(c.Addr()) == o.Family {
			check = append(check, fmt.Sprintf("%s daddr %s drop", hdr, c))
		}
	}
	chain(chainClusterIPsCheck, nil, check...)

	chain(chainPreroutingFilter, filter("prerouting", "dstnat-10"), jump(chainFirewallCheck))
	chain(chainOutputFilter, filter("output", "dstnat-10"), jump(chainFirewallCheck))
	chain(chainInput, filter("input", "filter"), jump(chainNodePortsCheck), jump(chainServicesCheck))
	forward := []string{jump(chainServicesCheck), jump(chainClusterIPsCheck)}
	if o.DropInvalid {
		forward = append([]string{"ct state invalid drop"}, forward...)
	}
	chain(chainForward, filter("forward", "filter"), forward...)
	chain(chainOutput, filter("output", "filter"), jump(chainServicesCheck), jump(chainClusterIPsCheck))
}

// baseNAT holds what translates addresses.
func baseNAT(o *Options, f *Fragment, node services.Node) {
	hdr := ip(o.Family)
	chain := func(name string, base *Hook, rules ...string) {
		f.Chains = append(f.Chains, Chain{Name: name, Base: base, Rules: rules})
	}
	notLocal, recognized := o.LocalTraffic.not(o.Family, node)
	// From outside: neither from a pod, as far as that can be told, nor from the node itself.
	outside := "fib saddr type != local "
	if recognized {
		outside = notLocal + " " + outside
	}
	frontend := hdr + " daddr . meta l4proto . th dport"

	var rules []string
	switch {
	case o.MasqueradeAll:
		rules = append(rules, hdr+" daddr @"+setClusterIPs+" "+o.mark())
	case recognized:
		// The way back from a pod to a client outside might not lead through here.
		rules = append(rules, hdr+" daddr @"+setClusterIPs+" "+notLocal+" "+o.mark())
	}
	rules = append(rules,
		outside+frontend+" vmap @"+mapLocalServiceIPs,
		frontend+" vmap @"+mapServiceIPs)
	switch {
	case o.NodePortPrimary || len(o.NodePortAddresses) > 0:
		rules = append(rules, hdr+" daddr @"+setNodePortIPs+" jump "+chainNodePorts)
	default:
		rules = append(rules, "fib daddr type local "+notLoopback(o.Family)+" jump "+chainNodePorts)
	}
	chain(chainServices, nil, rules...)
	chain(chainNodePorts, nil,
		outside+"meta l4proto . th dport vmap @"+mapLocalServiceNodePorts,
		"meta l4proto . th dport vmap @"+mapServiceNodePorts)
	chain(chainMasquerading, nil,
		// The mark has done its work; a packet that comes back through another hook must not carry it.
		fmt.Sprintf("meta mark & %#x != 0 meta mark set meta mark ^ %#x masquerade fully-random", o.MasqueradeMark, o.MasqueradeMark),
		// A pod that was chosen for its own request would drop an answer from itself.
		fmt.Sprintf("%s saddr . %s daddr @%s ct status dnat masquerade fully-random", hdr, hdr, setHairpin))
	chain(chainNATPrerouting, &Hook{"nat", "prerouting", "dstnat"}, "jump "+chainServices)
	chain(chainNATOutput, &Hook{"nat", "output", "dstnat"}, "jump "+chainServices)
	chain(chainNATPostrouting, &Hook{"nat", "postrouting", "srcnat"}, "jump "+chainMasquerading)
}

// notLoopback leaves out addresses from which masquerading cannot work.
func notLoopback(f services.Family) string {
	if f == services.IPv6 {
		return "ip6 daddr != ::1"
	}
	return "ip daddr != 127.0.0.0/8"
}

// NodePortElements returns the local addresses that accept node ports.
func NodePortElements(o *Options, node services.Node, localAddrs []netip.Addr) []Element {
	var out []Element
	add := func(a netip.Addr) { out = append(out, Element{Container: setNodePortIPs, Key: a.String()}) }
	switch {
	case o.NodePortPrimary:
		if a := node.IPs[o.Family]; a.IsValid() {
			add(a)
		}
	case len(o.NodePortAddresses) > 0:
		for _, a := range localAddrs {
			if services.FamilyOf(a) != o.Family || a.IsLoopback() {
				continue
			}
			for _, p := range o.NodePortAddresses {
				if p.Contains(a) {
					add(a)
					break
				}
			}
		}
	}
	return out
}

// SharedChain is a chain that balances over a number of places.
type SharedChain struct {
	// Kind is what else it does: see the sharedPrefix names.
	Kind     string
	Protocol string
	// NodePorts tells the chains for node ports from those for addresses.
	NodePorts bool
	Endpoints int
}

// Name of the chain, as "masquerade-services-tcp-3".
func (s SharedChain) Name() string {
	infix := sharedInfixServices
	if s.NodePorts {
		infix = sharedInfixNodePorts
	}
	return fmt.Sprintf("%s-%s-%s-%d", s.Kind, infix, s.Protocol, s.Endpoints)
}

// endpoints is the map in which it looks endpoints up.
func (s SharedChain) endpoints() string {
	local := s.Kind == sharedPrefixLocal
	name := mapServiceEndpoints
	switch {
	case s.NodePorts && local:
		name = mapLocalNodePortEndpoints
	case s.NodePorts:
		name = mapNodePortEndpoints
	case local:
		name = mapLocalServiceEndpoints
	}
	return name + "-" + s.Protocol
}

// chain returns the chain with its rules.
func (s SharedChain) chain(o *Options) Chain {
	var rules []string
	switch s.Kind {
	case sharedPrefixMasq:
		rules = append(rules, o.mark())
	case sharedPrefixHost:
		rules = append(rules, "fib saddr type local "+o.mark())
	}
	key := fmt.Sprintf("%s dport . numgen random mod %d", s.Protocol, s.Endpoints)
	if !s.NodePorts {
		key = ip(o.Family) + " daddr . " + key
	}
	rules = append(rules, fmt.Sprintf("meta l4proto %s dnat %s to %s map @%s", s.Protocol, ip(o.Family), key, s.endpoints()))
	return Chain{Name: s.Name(), Rules: rules}
}
