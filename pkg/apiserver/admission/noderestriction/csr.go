package noderestriction

import (
	"crypto/x509"
	"encoding/pem"
	"errors"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apiserver/pkg/admission"
)

// csr keeps a node that asks for a certificate of a kubelet to its own name.
func csr(r *request) error {
	if r.GetOperation() != admission.Create || r.GetSubresource() != "" {
		return nil
	}
	c, ok := r.GetObject().(*certificatesv1.CertificateSigningRequest)
	if !ok {
		return r.unexpected()
	}
	if c.Spec.SignerName != certificatesv1.KubeletServingSignerName && c.Spec.SignerName != certificatesv1.KubeAPIServerClientKubeletSignerName {
		return nil
	}
	parsed, err := parse(c.Spec.Request)
	if err != nil {
		return r.refuse("unable to parse csr: %w", err)
	}
	if parsed.Subject.CommonName != r.GetUserInfo().GetName() {
		return r.refuse("can only create a node CSR with CN=%s", r.GetUserInfo().GetName())
	}
	return nil
}

func parse(pemBytes []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(pemBytes)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("PEM block type must be CERTIFICATE REQUEST")
	}
	return x509.ParseCertificateRequest(block.Bytes)
}
