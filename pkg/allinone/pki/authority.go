package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
)

// authorityLife is how long a certificate authority lives; leafLife how long what it signs.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
)

// pair is a certificate with its key, as read from or written to <name>.crt and <name>.key.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// ensureAuthority reads the named authority, or makes it when neither file exists.
func ensureAuthority(dir, name, commonName string, now time.Time) (*pair, error) {
	p, err := readPair(dir, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if other := onlyOneExists(dir, name); other != "" {
			return nil, fmt.Errorf("%s exists but its partner is missing: restore it from a backup, or remove the whole folder %s to make a new cluster identity (all clients must then get new credentials)", other, dir)
		}
	case err != nil:
		return nil, fmt.Errorf("certificate authority %s is damaged, restore it from a backup: %w", filepath.Join(dir, name+".crt"), err)
	case !within(p.cert, now):
		return nil, outside(filepath.Join(dir, name+".crt"), p.cert, now)
	default:
		return p, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: commonName},
		DNSNames:              []string{commonName},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	return writePair(dir, name, template, template, key, key)
}

// onlyOneExists names the file of a pair whose partner is missing.
func onlyOneExists(dir, name string) string {
	crt, key := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	_, crtErr := os.Stat(crt)
	_, keyErr := os.Stat(key)
	switch {
	case crtErr == nil && keyErr != nil:
		return crt
	case crtErr != nil && keyErr == nil:
		return key
	}
	return ""
}

// readPair reads <name>.crt and <name>.key and checks that they belong together.
func readPair(dir, name string) (*pair, error) {
	crtPath, keyPath := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	crtPEM, err := os.ReadFile(crtPath)
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, err
	}
	certs, err := cert.ParseCertsPEM(crtPEM)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", crtPath, err)
	}
	parsed, err := keyutil.ParsePrivateKeyPEM(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyPath, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s: not a signing key", keyPath)
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(certs[0].PublicKey) {
		return nil, fmt.Errorf("%s is not the key of %s", keyPath, crtPath)
	}
	return &pair{cert: certs[0], key: key}, nil
}

// writePair signs template and stores the result; key first, see the package documentation.
func writePair(dir, name string, template, parent *x509.Certificate, key, signer crypto.Signer) (*pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", name, err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Write(filepath.Join(dir, name+".key"), keyPEM, 0o600); err != nil {
		return nil, err
	}
	if err := atomicfile.Write(filepath.Join(dir, name+".crt"), encodeCert(der), 0o644); err != nil {
		return nil, err
	}
	return &pair{cert: signed, key: key}, nil
}
