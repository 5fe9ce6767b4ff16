package proxy

import (
	"net"
	"net/netip"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

// taintToBeDeleted is how the cluster autoscaler announces that it takes a node away.
const taintToBeDeleted = "ToBeDeletedByClusterAutoscaler"

// initialNode is what is known of the node before its object is seen.
func initialNode(name string, given []netip.Addr) services.Node {
	n := services.Node{Name: name, Eligible: true}
	for _, a := range given {
		if f := services.FamilyOf(a); !a.IsUnspecified() && !n.IPs[f].IsValid() {
			n.IPs[f] = a
		}
	}
	return n
}

// describeNode reads the node's object. Addresses given by configuration come first.
func describeNode(obj *v1.Node, given []netip.Addr) services.Node {
	n := initialNode(obj.Name, given)
	for _, kind := range []v1.NodeAddressType{v1.NodeInternalIP, v1.NodeExternalIP} {
		for _, a := range obj.Status.Addresses {
			if a.Type != kind {
				continue
			}
			ip, err := netip.ParseAddr(a.Address)
			if f := services.FamilyOf(ip); err == nil && !n.IPs[f].IsValid() {
				n.IPs[f] = ip
			}
		}
	}
	n.Zone = obj.Labels[v1.LabelTopologyZone]
	for _, c := range obj.Spec.PodCIDRs {
		if p, err := netip.ParsePrefix(c); err == nil && !n.PodCIDRs[services.FamilyOf(p.Addr())].IsValid() {
			n.PodCIDRs[services.FamilyOf(p.Addr())] = p
		}
	}
	n.Eligible = obj.DeletionTimestamp.IsZero()
	for _, t := range obj.Spec.Taints {
		if t.Key == taintToBeDeleted {
			n.Eligible = false
		}
	}
	return n
}

// localAddresses returns the addresses of the host's interfaces.
func localAddresses() ([]netip.Addr, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr().Unmap())
		}
	}
	return out, nil
}
