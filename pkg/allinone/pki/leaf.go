package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"slices"
	"time"
)

// backdate lets a certificate be used on machines whose clock is a little behind.
const backdate = 5 * time.Minute

// leaf says what one certificate must be.
type leaf struct {
	name         string
	commonName   string
	organization []string
	usage        x509.ExtKeyUsage
	dnsNames     []string
	ips          []net.IP
}

// ensureLeaf keeps the named certificate if it fits, and signs a new one otherwise.
func ensureLeaf(dir string, want leaf, ca *pair, now time.Time) error {
	if have, err := readPair(dir, want.name); err == nil && want.fits(have.cert, ca.cert, now) {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	notAfter := now.Add(leafLife)
	if notAfter.After(ca.cert.NotAfter) {
		notAfter = ca.cert.NotAfter
	}
	_, err = writePair(dir, want.name, &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: want.commonName, Organization: want.organization},
		DNSNames:     want.dnsNames,
		IPAddresses:  want.ips,
		NotBefore:    now.Add(-backdate),
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{want.usage},
	}, ca.cert, key, ca.key)
	return err
}

// fits tells whether have is what this leaf asks for, signed by ca, with a third of its life left.
func (l leaf) fits(have, ca *x509.Certificate, now time.Time) bool {
	life := have.NotAfter.Sub(have.NotBefore)
	if now.Before(have.NotBefore) || now.After(have.NotAfter.Add(-life/3)) {
		return false
	}
	if have.CheckSignatureFrom(ca) != nil || have.Subject.CommonName != l.commonName {
		return false
	}
	for _, name := range l.dnsNames {
		if !slices.Contains(have.DNSNames, name) {
			return false
		}
	}
	for _, ip := range l.ips {
		if !slices.ContainsFunc(have.IPAddresses, ip.Equal) {
			return false
		}
	}
	return slices.Equal(have.Subject.Organization, l.organization) && slices.Contains(have.ExtKeyUsage, l.usage)
}

// serial gives a positive random number of 127 bits, as RFC 5280 wants it.
func serial() *big.Int {
	limit := new(big.Int).Lsh(big.NewInt(1), 127)
	n, err := rand.Int(rand.Reader, limit)
	if err != nil {
		panic(err) // crypto/rand does not fail on Linux
	}
	return n.Add(n, big.NewInt(1))
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encodePublic(key *ecdsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
