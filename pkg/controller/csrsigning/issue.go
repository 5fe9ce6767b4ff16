package csrsigning

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// Authority is the pair of files a signer signs with.
type Authority struct{ CertFile, KeyFile string }

// backdate lets clocks differ a little.
const backdate = 5 * time.Minute

// read loads the pair.
func (a Authority) read() (*x509.Certificate, crypto.Signer, error) {
	certs, err := cert.CertsFromFile(a.CertFile)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the certificate of the authority: %w", err)
	}
	key, err := keyutil.PrivateKeyFromFile(a.KeyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key of the authority: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("key of the authority %s: type %T cannot sign", a.KeyFile, key)
	}
	// Two files being replaced one after the other must not make certificates that nobody can verify.
	if p, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !p.Equal(certs[0].PublicKey) {
		return nil, nil, fmt.Errorf("%s is not the key of %s", a.KeyFile, a.CertFile)
	}
	return certs[0], signer, nil
}

// check tells early that files are missing.
func (a Authority) check() error {
	for _, f := range []string{a.CertFile, a.KeyFile} {
		if _, err := os.Stat(f); err != nil {
			return err
		}
	}
	return nil
}

// lifetime is how long the certificate is valid: what was asked for, within 10 minutes and the longest allowed.
func lifetime(asked *int32, longest time.Duration) time.Duration {
	if asked == nil {
		return longest
	}
	return min(max(time.Duration(*asked)*time.Second, 10*time.Minute), longest)
}

// issue makes the certificate, PEM encoded.
func (a Authority) issue(csr *certificatesv1.CertificateSigningRequest, x *x509.CertificateRequest, valid time.Duration, now time.Time) ([]byte, error) {
	ca, key, err := a.read()
	if err != nil {
		return nil, err
	}
	if !now.Before(ca.NotAfter) {
		return nil, fmt.Errorf("refusing to sign: the authority's certificate expired at %s", ca.NotAfter)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, fmt.Errorf("choosing a serial number: %w", err)
	}
	usage, extended, err := usages(csr.Spec.Usages)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, RawSubject: x.RawSubject, DNSNames: x.DNSNames, IPAddresses: x.IPAddresses, EmailAddresses: x.EmailAddresses, URIs: x.URIs,
		PublicKeyAlgorithm: x.PublicKeyAlgorithm, PublicKey: x.PublicKey, BasicConstraintsValid: true, KeyUsage: usage, ExtKeyUsage: extended,
		NotBefore: now.Add(-backdate), NotAfter: now.Add(valid - backdate),
	}
	if valid < 8*time.Hour { // a share of a short life is much
		t.NotAfter = now.Add(valid)
	}
	if t.NotBefore.Before(ca.NotBefore) {
		t.NotBefore = ca.NotBefore
	}
	if t.NotAfter.After(ca.NotAfter) {
		t.NotAfter = ca.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca, x.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: der}), nil
}

var keyUsages = map[certificatesv1.KeyUsage]x509.KeyUsage{
	certificatesv1.UsageSigning: x509.KeyUsageDigitalSignature, certificatesv1.UsageDigitalSignature: x509.KeyUsageDigitalSignature,
	certificatesv1.UsageContentCommitment: x509.KeyUsageContentCommitment, certificatesv1.UsageKeyEncipherment: x509.KeyUsageKeyEncipherment,
	certificatesv1.UsageKeyAgreement: x509.KeyUsageKeyAgreement, certificatesv1.UsageDataEncipherment: x509.KeyUsageDataEncipherment,
	certificatesv1.UsageCertSign: x509.KeyUsageCertSign, certificatesv1.UsageCRLSign: x509.KeyUsageCRLSign,
	certificatesv1.UsageEncipherOnly: x509.KeyUsageEncipherOnly, certificatesv1.UsageDecipherOnly: x509.KeyUsageDecipherOnly,
}

var extendedUsages = map[certificatesv1.KeyUsage]x509.ExtKeyUsage{
	certificatesv1.UsageAny: x509.ExtKeyUsageAny, certificatesv1.UsageServerAuth: x509.ExtKeyUsageServerAuth, certificatesv1.UsageClientAuth: x509.ExtKeyUsageClientAuth,
	certificatesv1.UsageCodeSigning: x509.ExtKeyUsageCodeSigning, certificatesv1.UsageEmailProtection: x509.ExtKeyUsageEmailProtection,
	certificatesv1.UsageSMIME: x509.ExtKeyUsageEmailProtection, certificatesv1.UsageIPsecEndSystem: x509.ExtKeyUsageIPSECEndSystem,
	certificatesv1.UsageIPsecTunnel: x509.ExtKeyUsageIPSECTunnel, certificatesv1.UsageIPsecUser: x509.ExtKeyUsageIPSECUser,
	certificatesv1.UsageTimestamping: x509.ExtKeyUsageTimeStamping, certificatesv1.UsageOCSPSigning: x509.ExtKeyUsageOCSPSigning,
	certificatesv1.UsageMicrosoftSGC: x509.ExtKeyUsageMicrosoftServerGatedCrypto, certificatesv1.UsageNetscapeSGC: x509.ExtKeyUsageNetscapeServerGatedCrypto,
}

func usages(in []certificatesv1.KeyUsage) (x509.KeyUsage, []x509.ExtKeyUsage, error) {
	var usage x509.KeyUsage
	var extended []x509.ExtKeyUsage
	for _, u := range in {
		k, plain := keyUsages[u]
		e, ext := extendedUsages[u]
		switch {
		case plain:
			usage |= k
		case ext:
			extended = append(extended, e)
		default:
			return 0, nil, errors.New("unrecognized usage " + string(u))
		}
	}
	return usage, extended, nil
}
