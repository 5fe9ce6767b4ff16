package csrsigning

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"

	"tiphys.dev/tiphys/pkg/controller/csrapproving"
)

// LegacyUnknown signs for signers of the API version v1beta1 that named none.
const LegacyUnknown = "kubernetes.io/legacy-unknown"

// allow checks what the documentation of each signer allows.
func allow(csr *certificatesv1.CertificateSigningRequest, x *x509.CertificateRequest) error {
	switch csr.Spec.SignerName {
	case certificatesv1.KubeAPIServerClientSignerName:
		return onlyUsages(csr.Spec.Usages, []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
			certificatesv1.UsageClientAuth, certificatesv1.UsageDigitalSignature, certificatesv1.UsageKeyEncipherment)
	case certificatesv1.KubeAPIServerClientKubeletSignerName:
		return csrapproving.NodeClient(csr, x)
	case certificatesv1.KubeletServingSignerName:
		return kubeletServing(csr, x)
	case LegacyUnknown:
		return nil
	}
	return fmt.Errorf("unrecognized signerName: %q", csr.Spec.SignerName)
}

func kubeletServing(csr *certificatesv1.CertificateSigningRequest, x *x509.CertificateRequest) error {
	switch {
	case !slices.Equal(x.Subject.Organization, []string{"system:nodes"}):
		return errors.New("subject organization is not system:nodes")
	case len(x.DNSNames) == 0 && len(x.IPAddresses) == 0:
		return errors.New("at least one of DNS or IP subjectAltName is required")
	case len(x.EmailAddresses) > 0 || len(x.URIs) > 0:
		return errors.New("email and URI subjectAltNames are not allowed")
	case !strings.HasPrefix(x.Subject.CommonName, "system:node:"):
		return errors.New("subject common name does not begin with system:node:")
	case csr.Spec.Username != x.Subject.CommonName:
		return errors.New("the requester is not the node")
	}
	need := []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth}
	return onlyUsages(csr.Spec.Usages, need, append(need, certificatesv1.UsageKeyEncipherment)...)
}

func onlyUsages(have, need []certificatesv1.KeyUsage, may ...certificatesv1.KeyUsage) error {
	for _, u := range have {
		if !slices.Contains(may, u) {
			return fmt.Errorf("usage %q is not allowed", u)
		}
	}
	for _, u := range need {
		if !slices.Contains(have, u) {
			return fmt.Errorf("usage %q is required", u)
		}
	}
	return nil
}
