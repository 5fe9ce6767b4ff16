package welcome

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
)

// Cluster is what no node may claim to be.
type Cluster struct {
	// Ranges are those of pods and services.
	Ranges []netip.Prefix
	// ServerAddresses and ServerNames are those of the API server.
	ServerAddresses []netip.Addr
	ServerNames     []string
	// Domain is the cluster's DNS suffix.
	Domain string
}

// verdict about a request. The zero verdict leaves it for others.
type verdict struct {
	approve, deny bool
	why           string
}

const (
	userPrefix = "system:node:"
	proxyUser  = "system:kube-proxy"
)

// judge decides about one request, given the nodes there are.
func judge(csr *certificatesv1.CertificateSigningRequest, x *x509.CertificateRequest, nodes []*v1.Node, c Cluster) verdict {
	node, isNode := strings.CutPrefix(csr.Spec.Username, userPrefix)
	if !isNode || node == "" || !slices.Contains(csr.Spec.Groups, nodesGroup) || len(x.EmailAddresses) > 0 || len(x.URIs) > 0 {
		return verdict{}
	}
	switch csr.Spec.SignerName {
	case certificatesv1.KubeAPIServerClientSignerName:
		if x.Subject.CommonName != proxyUser || len(x.Subject.Organization) > 0 || len(x.DNSNames) > 0 || len(x.IPAddresses) > 0 ||
			!usedFor(csr, certificatesv1.UsageClientAuth) {
			return verdict{}
		}
		return verdict{approve: true, why: "a node may have the credential of its proxy"}
	case certificatesv1.KubeletServingSignerName:
		if x.Subject.CommonName != csr.Spec.Username || !slices.Equal(x.Subject.Organization, []string{nodesGroup}) ||
			len(x.IPAddresses) == 0 || !usedFor(csr, certificatesv1.UsageServerAuth) {
			return verdict{}
		}
		return judgeNames(node, x, nodes, c)
	}
	return verdict{}
}

// judgeNames looks whether what a kubelet wants to be called is its own. A node says itself which
// addresses it has, so what counts is that they are nobody else's.
func judgeNames(node string, x *x509.CertificateRequest, nodes []*v1.Node, c Cluster) verdict {
	for _, name := range x.DNSNames {
		if name != node {
			return verdict{} // perhaps a name that people know to be right
		}
		if slices.Contains(c.ServerNames, name) || slices.Contains(strings.Split(name, "."), "svc") || strings.HasSuffix("."+name, "."+c.Domain) {
			return verdict{deny: true, why: fmt.Sprintf("%q is a name of the cluster itself: give the node another with --node-name", name)}
		}
	}
	for _, raw := range x.IPAddresses {
		ip, ok := netip.AddrFromSlice(raw)
		ip = ip.Unmap()
		if !ok || !ip.IsGlobalUnicast() {
			return verdict{deny: true, why: fmt.Sprintf("%s is no address of a machine: give the right one with --node-ip", ip)}
		}
		if slices.Contains(c.ServerAddresses, ip) {
			return verdict{deny: true, why: fmt.Sprintf("%s is the API server's address: give the node's own with --node-ip", ip)}
		}
		for _, r := range c.Ranges {
			if r.Contains(ip) {
				return verdict{deny: true, why: fmt.Sprintf("%s lies in the cluster's range %s: give the node an address outside with --node-ip", ip, r)}
			}
		}
		for _, n := range nodes {
			if n.Name != node && has(n, ip) {
				return verdict{deny: true, why: fmt.Sprintf("%s is the address of node %s: give the right one with --node-ip, or delete that node if its machine is gone", ip, n.Name)}
			}
		}
	}
	return verdict{approve: true, why: "the names and addresses are the node's own"}
}

func has(n *v1.Node, ip netip.Addr) bool {
	return slices.ContainsFunc(n.Status.Addresses, func(a v1.NodeAddress) bool {
		parsed, err := netip.ParseAddr(a.Address)
		return err == nil && parsed.Unmap() == ip
	})
}

// usedFor tells whether a certificate is for one purpose only.
func usedFor(csr *certificatesv1.CertificateSigningRequest, purpose certificatesv1.KeyUsage) bool {
	for _, u := range csr.Spec.Usages {
		if u != purpose && u != certificatesv1.UsageDigitalSignature && u != certificatesv1.UsageKeyEncipherment {
			return false
		}
	}
	return slices.Contains(csr.Spec.Usages, purpose)
}
