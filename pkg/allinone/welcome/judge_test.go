package welcome

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestJudge(t *testing.T) {
	cluster := Cluster{
		Ranges:          []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16"), netip.MustParsePrefix("10.244.0.0/16")},
		ServerAddresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		ServerNames:     []string{"kubernetes", "localhost", "api.example"}, Domain: "cluster.local",
	}
	nodes := []*v1.Node{
		{ObjectMeta: metav1.ObjectMeta{Name: "n1"}, Status: v1.NodeStatus{Addresses: []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: "192.0.2.11"}}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "n2"}, Status: v1.NodeStatus{Addresses: []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: "192.0.2.2"}}}},
	}
	serving := func(node string, change func(*certificatesv1.CertificateSigningRequestSpec, *x509.CertificateRequest)) (*certificatesv1.CertificateSigningRequest, *x509.CertificateRequest) {
		csr := &certificatesv1.CertificateSigningRequest{Spec: certificatesv1.CertificateSigningRequestSpec{
			SignerName: certificatesv1.KubeletServingSignerName, Username: "system:node:" + node, Groups: []string{"system:nodes", "system:authenticated"},
			Usages: []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth}}}
		x := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "system:node:" + node, Organization: []string{"system:nodes"}},
			DNSNames: []string{node}, IPAddresses: []net.IP{net.ParseIP("192.0.2.2")}}
		if change != nil {
			change(&csr.Spec, x)
		}
		return csr, x
	}
	toProxy := func(s *certificatesv1.CertificateSigningRequestSpec, x *x509.CertificateRequest) {
		s.SignerName = certificatesv1.KubeAPIServerClientSignerName
		s.Usages = []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth}
		x.Subject = pkix.Name{CommonName: "system:kube-proxy"}
		x.DNSNames, x.IPAddresses = nil, nil
	}
	type change = func(*certificatesv1.CertificateSigningRequestSpec, *x509.CertificateRequest)
	ip := func(s string) change {
		return func(_ *certificatesv1.CertificateSigningRequestSpec, x *x509.CertificateRequest) {
			x.IPAddresses = append(x.IPAddresses, net.ParseIP(s))
		}
	}
	for _, c := range []struct {
		name, node string
		change     change
		want       string // approve, leave, or what a denial says
	}{
		{"its own", "n2", nil, "approve"},
		{"not registered yet", "n3", func(_ *certificatesv1.CertificateSigningRequestSpec, x *x509.CertificateRequest) {
			x.IPAddresses = []net.IP{net.ParseIP("192.0.2.3")}
		}, "approve"},
		{"another node's address", "n2", ip("192.0.2.11"), "the address of node n1"},
		{"the API server's address", "n2", ip("192.0.2.1"), "the API server's address"},
		{"the address of the API server's service", "n2", ip("10.96.0.1"), "10.96.0.0/16"},
		{"a pod's address", "n2", ip("10.244.3.3"), "10.244.0.0/16"},
		{"loopback", "n2", ip("127.0.0.1"), "no address of a machine"},
		{"the API server's name", "kubernetes", nil, "a name of the cluster itself"},
		{"a service's name", "metrics.kube-system.svc", nil, "a name of the cluster itself"},
		{"a name of the cluster's domain", "x.cluster.local", nil, "a name of the cluster itself"},
		{"another name", "n2", func(_ *certificatesv1.CertificateSigningRequestSpec, x *x509.CertificateRequest) {
			x.DNSNames = append(x.DNSNames, "n2.example")
		}, "leave"},
		{"for another node", "n2", func(_ *certificatesv1.CertificateSigningRequestSpec, x *x509.CertificateRequest) {
			x.Subject.CommonName = "system:node:n1"
		}, "leave"},
		{"of a person", "n2", func(s *certificatesv1.CertificateSigningRequestSpec, _ *x509.CertificateRequest) { s.Username = "jane" }, "leave"},
		{"of a token that has not joined", "n2", func(s *certificatesv1.CertificateSigningRequestSpec, _ *x509.CertificateRequest) {
			s.Username, s.Groups = "system:bootstrap:abcdef", []string{"system:bootstrappers"}
		}, "leave"},
		{"of somebody called like a node", "n2", func(s *certificatesv1.CertificateSigningRequestSpec, _ *x509.CertificateRequest) {
			s.Groups = []string{"system:authenticated"}
		}, "leave"},
		{"serving and client", "n2", func(s *certificatesv1.CertificateSigningRequestSpec, _ *x509.CertificateRequest) {
			s.Usages = append(s.Usages, certificatesv1.UsageClientAuth)
		}, "leave"},
		{"a URI", "n2", func(_ *certificatesv1.CertificateSigningRequestSpec, x *x509.CertificateRequest) {
			x.URIs = []*url.URL{{}}
		}, "leave"},
		{"an administrator's group", "n2", func(_ *certificatesv1.CertificateSigningRequestSpec, x *x509.CertificateRequest) {
			x.Subject.Organization = []string{"system:masters"}
		}, "leave"},
		{"a proxy", "n2", toProxy, "approve"},
		{"a proxy that wants to be an administrator", "n2", func(s *certificatesv1.CertificateSigningRequestSpec, x *x509.CertificateRequest) {
			toProxy(s, x)
			x.Subject.Organization = []string{"system:masters"}
		}, "leave"},
		{"another client", "n2", func(s *certificatesv1.CertificateSigningRequestSpec, x *x509.CertificateRequest) {
			toProxy(s, x)
			x.Subject.CommonName = "system:kube-scheduler"
		}, "leave"},
		{"a proxy of nobody", "n2", func(s *certificatesv1.CertificateSigningRequestSpec, x *x509.CertificateRequest) {
			toProxy(s, x)
			s.Username = "system:bootstrap:abcdef"
		}, "leave"},
		{"another signer", "n2", func(s *certificatesv1.CertificateSigningRequestSpec, _ *x509.CertificateRequest) {
			s.SignerName = certificatesv1.KubeAPIServerClientKubeletSignerName
		}, "leave"},
	} {
		t.Run(c.name, func(t *testing.T) {
			csr, x := serving(c.node, c.change)
			got := judge(csr, x, nodes, cluster)
			switch c.want {
			case "approve":
				if !got.approve || got.deny {
					t.Errorf("got %+v", got)
				}
			case "leave":
				if got.approve || got.deny {
					t.Errorf("got %+v", got)
				}
			default:
				if got.approve || !got.deny || !strings.Contains(got.why, c.want) {
					t.Errorf("got %+v, want a denial with %q", got, c.want)
				}
			}
		})
	}
}
