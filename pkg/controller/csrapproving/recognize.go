package csrapproving

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
)

// NodeClient tells whether the request is one for a kubelet's client certificate, and if not, why.
func NodeClient(csr *certificatesv1.CertificateSigningRequest, x *x509.CertificateRequest) error {
	switch {
	case csr.Spec.SignerName != certificatesv1.KubeAPIServerClientKubeletSignerName:
		return errors.New("another signer")
	case !slices.Equal(x.Subject.Organization, []string{"system:nodes"}):
		return errors.New("subject organization is not system:nodes")
	case len(x.DNSNames) > 0 || len(x.EmailAddresses) > 0 || len(x.IPAddresses) > 0 || len(x.URIs) > 0:
		return errors.New("DNS, email, IP and URI subjectAltNames are not allowed")
	case !strings.HasPrefix(x.Subject.CommonName, "system:node:"):
		return errors.New("subject common name does not begin with system:node:")
	}
	usages := slices.Clone(csr.Spec.Usages)
	slices.Sort(usages)
	// Key encipherment is of use to RSA keys only, so that it may be left out.
	if !slices.Equal(usages, []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth, certificatesv1.UsageDigitalSignature, certificatesv1.UsageKeyEncipherment}) &&
		!slices.Equal(usages, []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth, certificatesv1.UsageDigitalSignature}) {
		return errors.New("usages are not those of a client")
	}
	return nil
}

// Parse decodes the request inside.
func Parse(csr *certificatesv1.CertificateSigningRequest) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(csr.Spec.Request)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("PEM block type must be CERTIFICATE REQUEST")
	}
	return x509.ParseCertificateRequest(block.Bytes)
}

// Decided tells whether somebody has approved or denied the request.
func Decided(csr *certificatesv1.CertificateSigningRequest) (approved, denied bool) {
	for _, c := range csr.Status.Conditions {
		switch c.Type {
		case certificatesv1.CertificateApproved:
			approved = true
		case certificatesv1.CertificateDenied:
			denied = true
		}
	}
	return approved, denied
}
