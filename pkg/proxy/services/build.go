package services

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
)

// LabelServiceProxyName, when set on a Service or EndpointSlice, hands it to another proxy.
const LabelServiceProxyName = "service.kubernetes.io/service-proxy-name"

// Proxied tells whether a Service gets rules at all.
func Proxied(svc *v1.Service) bool {
	if _, other := svc.Labels[LabelServiceProxyName]; other {
		return false
	}
	if svc.Spec.Type == v1.ServiceTypeExternalName {
		return false
	}
	return svc.Spec.ClusterIP != "" && svc.Spec.ClusterIP != v1.ClusterIPNone
}

// Build decides how one Service is presented on a node. It returns nil when it
// is not proxied. prev, which may be nil, is the state before; endpoints that
// stay keep their place in it.
func Build(svc *v1.Service, eps []*discovery.EndpointSlice, node Node, prev *Service) *Service {
	if svc == nil || !Proxied(svc) {
		return nil
	}
	name := types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}
	out := &Service{Name: name}

	internalLocal := svc.Spec.InternalTrafficPolicy != nil && *svc.Spec.InternalTrafficPolicy == v1.ServiceInternalTrafficPolicyLocal
	externalLocal := svc.Spec.ExternalTrafficPolicy == v1.ServiceExternalTrafficPolicyLocal
	if svc.Spec.Type == v1.ServiceTypeLoadBalancer && externalLocal && svc.Spec.HealthCheckNodePort > 0 {
		out.HealthCheckNodePort = uint16(svc.Spec.HealthCheckNodePort)
	}
	var affinity time.Duration
	if svc.Spec.SessionAffinity == v1.ServiceAffinityClientIP {
		affinity = time.Duration(v1.DefaultClientIPServiceAffinitySeconds) * time.Second
		if c := svc.Spec.SessionAffinityConfig; c != nil && c.ClientIP != nil && c.ClientIP.TimeoutSeconds != nil {
			affinity = time.Duration(*c.ClientIP.TimeoutSeconds) * time.Second
		}
	}

	localIPs := map[netip.Addr]bool{}
	for _, family := range Families {
		clusterIP, ok := clusterIPOf(svc, family)
		if !ok {
			continue
		}
		ext := addrsOf(svc.Spec.ExternalIPs, family)
		lbs := loadBalancerIPs(svc, family)
		ranges := prefixesOf(svc.Spec.LoadBalancerSourceRanges, family)
		for i := range svc.Spec.Ports {
			sp := &svc.Spec.Ports[i]
			p := &Port{
				Service: name, Name: sp.Name, Family: family, Protocol: sp.Protocol,
				Port: uint16(sp.Port), NodePort: uint16(sp.NodePort),
				ClusterIP: clusterIP, ExternalIPs: ext, LoadBalancerIPs: lbs, SourceRanges: ranges,
				AffinityTimeout: affinity, InternalLocal: internalLocal, ExternalLocal: externalLocal,
			}
			if p.Protocol == "" {
				p.Protocol = v1.ProtocolTCP
			}
			all := collect(eps, sp.Name, p.Protocol, family, node.Name)
			for _, e := range all {
				if e.local && e.ready {
					localIPs[e.addr.Addr()] = true
				}
			}
			place(p, all, node, prev.port(p))
			out.Ports = append(out.Ports, p)
		}
	}
	// One pod has one address in each family; it is counted once.
	out.LocalReadyEndpoints = len(localIPs)
	if len(svc.Spec.ClusterIPs) > 1 {
		var byFamily [2]int
		for a := range localIPs {
			byFamily[FamilyOf(a)]++
		}
		out.LocalReadyEndpoints = max(byFamily[IPv4], byFamily[IPv6])
	}
	return out
}

// place chooses the endpoints that p uses for each policy.
func place(p *Port, all []endpoint, node Node, prev *Port) {
	var cluster, local []netip.AddrPort
	if !p.InternalLocal || p.HasExternal() {
		cluster = addrs(usable(topology(all, node)))
	}
	if p.InternalLocal || (p.ExternalLocal && p.HasExternal()) {
		var here []endpoint
		for _, e := range all {
			if e.local {
				here = append(here, e)
			}
		}
		local = addrs(usable(here))
	}
	p.Reachable = len(usable(all)) > 0
	used := map[netip.AddrPort]bool{}
	for _, a := range slices.Concat(cluster, local) {
		used[a] = true
	}
	for _, e := range all {
		if e.local && used[e.addr] {
			p.Here = append(p.Here, e.addr.Addr())
		}
	}
	p.Here = slices.Compact(p.Here) // all is sorted by address
	var prevCluster, prevLocal []netip.AddrPort
	if prev != nil {
		prevCluster, prevLocal = prev.Cluster, prev.Local
	}
	p.Cluster = reorder(prevCluster, cluster)
	p.Local = reorder(prevLocal, local)
}

// port finds the same port in an earlier state.
func (s *Service) port(like *Port) *Port {
	if s == nil {
		return nil
	}
	for _, p := range s.Ports {
		if p.Family == like.Family && p.Protocol == like.Protocol && p.Port == like.Port {
			return p
		}
	}
	return nil
}

func clusterIPOf(svc *v1.Service, family Family) (netip.Addr, bool) {
	ips := svc.Spec.ClusterIPs
	if len(ips) == 0 {
		ips = []string{svc.Spec.ClusterIP}
	}
	for _, a := range addrsOf(ips, family) {
		return a, true
	}
	return netip.Addr{}, false
}

// loadBalancerIPs returns the addresses at which the load balancer's traffic
// arrives as it was sent. With mode Proxy the balancer delivers to the node's or
// the pod's address, and its own address must go out to it.
func loadBalancerIPs(svc *v1.Service, family Family) []netip.Addr {
	if svc.Spec.Type != v1.ServiceTypeLoadBalancer {
		return nil
	}
	var ips []string
	for _, in := range svc.Status.LoadBalancer.Ingress {
		if in.IP == "" || (in.IPMode != nil && *in.IPMode == v1.LoadBalancerIPModeProxy) {
			continue
		}
		ips = append(ips, in.IP)
	}
	return addrsOf(ips, family)
}

// addrsOf parses the addresses of one family, sorted, each once; others are left out.
func addrsOf(ips []string, family Family) []netip.Addr {
	var out []netip.Addr
	for _, s := range ips {
		if a, err := netip.ParseAddr(s); err == nil && FamilyOf(a.Unmap()) == family {
			out = append(out, a.Unmap())
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

func prefixesOf(cidrs []string, family Family) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range cidrs {
		p, err := netip.ParsePrefix(strings.TrimSpace(s))
		if err == nil && FamilyOf(p.Addr()) == family {
			out = append(out, p.Masked())
		}
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}
