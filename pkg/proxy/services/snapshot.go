package services

import (
	"net/netip"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Family is an IP family.
type Family int

// The two families. They index arrays of per-family state.
const (
	IPv4 Family = iota
	IPv6
)

// Families lists both families in the order of their indexes.
var Families = []Family{IPv4, IPv6}

// String returns the name the API and the metrics use.
func (f Family) String() string {
	if f == IPv6 {
		return string(v1.IPv6Protocol)
	}
	return string(v1.IPv4Protocol)
}

// FamilyOf returns the family of an address.
func FamilyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

// Snapshot is the state of the cluster's services as this node must present it.
// It is never modified once it has been handed out.
type Snapshot struct {
	// Services holds what is proxied, by name. Services that are not proxied
	// (headless, ExternalName, owned by another proxy) are absent.
	Services map[types.NamespacedName]*Service
	// Node is what the rules need to know of the own node.
	Node Node
	// ServiceCIDRs are the ranges from which cluster IPs are allocated.
	ServiceCIDRs []netip.Prefix
}

// Node is what the proxy needs to know of the node that it runs on.
type Node struct {
	Name string
	// Zone is the node's topology zone, empty when unknown.
	Zone string
	// IPs are the node's primary addresses, by family; the zero Addr when there is none.
	IPs [2]netip.Addr
	// PodCIDRs are the node's own pod ranges, by family.
	PodCIDRs [2]netip.Prefix
	// Eligible is false when load balancers should stop sending new traffic
	// here because the node is about to go.
	Eligible bool
}

// Service is one Service with all its ports, in all families.
type Service struct {
	Name types.NamespacedName
	// Ports holds one element for each port and family.
	Ports []*Port
	// HealthCheckNodePort is the port on which load balancers ask whether this
	// node has endpoints of the service, 0 for none.
	HealthCheckNodePort uint16
	// LocalReadyEndpoints counts the ready endpoints on this node, by address.
	LocalReadyEndpoints int
	// Triggered are the times of the endpoint changes that led to this state
	// and were not part of an earlier one.
	Triggered []time.Time
}

// Port is one port of one Service in one family.
type Port struct {
	Service  types.NamespacedName
	Name     string
	Family   Family
	Protocol v1.Protocol
	Port     uint16
	NodePort uint16

	// ClusterIP is the cluster-internal address.
	ClusterIP netip.Addr
	// ExternalIPs are addresses that are routed to the node by other means.
	ExternalIPs []netip.Addr
	// LoadBalancerIPs are load balancer addresses whose traffic arrives unchanged.
	LoadBalancerIPs []netip.Addr
	// SourceRanges limits who may use LoadBalancerIPs; empty means everybody.
	SourceRanges []netip.Prefix

	// AffinityTimeout is for how long a client stays with its endpoint; 0 when
	// there is no session affinity.
	AffinityTimeout time.Duration
	// InternalLocal and ExternalLocal are true when the traffic policy is Local.
	InternalLocal, ExternalLocal bool

	// Cluster are the endpoints for traffic under the Cluster policy: order is
	// stable over changes (see reorder), so that a place in the list identifies an endpoint.
	Cluster []netip.AddrPort
	// Local are the endpoints for traffic under the Local policy.
	Local []netip.AddrPort
	// Here are the addresses of this node's endpoints among them.
	Here []netip.Addr
	// Reachable is true when any endpoint, here or elsewhere, can answer.
	Reachable bool
}

// Internal returns the endpoints behind the cluster IP.
func (p *Port) Internal() []netip.AddrPort {
	if p.InternalLocal {
		return p.Local
	}
	return p.Cluster
}

// HasExternal tells whether the port is reachable under any address that
// belongs to the outside.
func (p *Port) HasExternal() bool {
	return p.NodePort != 0 || len(p.ExternalIPs) > 0 || len(p.LoadBalancerIPs) > 0
}

// ID names the port in rules, comments and logs: namespace/name:port.
func (p *Port) ID() string {
	id := p.Service.String()
	if p.Name != "" {
		id += ":" + p.Name
	}
	return id
}
