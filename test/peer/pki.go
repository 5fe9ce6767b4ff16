package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// pair is a certificate and its key, as written to <dir>/<name>.crt and <name>.key.
type pair struct {
	cert    *x509.Certificate
	certPEM []byte
	key     *ecdsa.PrivateKey
	keyPEM  []byte
}

// subject is what one certificate says.
type subject struct {
	name   string // file name without suffix
	user   string
	groups []string
	hosts  []string // server certificate when not empty
}

// newKey makes a P-256 key and its PEM form.
func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generating a key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a key: %w", err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

// authority loads <dir>/<name>.{crt,key}, or makes and writes it when there is none.
func authority(dir, name string, now time.Time) (*pair, error) {
	ca, err := loadPair(dir, name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return ca, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		DNSNames:              []string{name},
	}
	return issue(dir, name, template, nil, now)
}

// certificate makes and writes a leaf signed by ca.
func certificate(dir string, ca *pair, s subject, now time.Time) (*pair, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: s.user, Organization: s.groups},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, host := range s.hosts {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return issue(dir, s.name, template, ca, now)
}

// issue signs template with ca, or with its own key when ca is nil, and writes the pair.
func issue(dir, name string, template *x509.Certificate, ca *pair, now time.Time) (*pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, fmt.Errorf("choosing a serial number: %w", err)
	}
	template.SerialNumber = serial
	// The clocks of a test's namespaces are one, but a test may turn its own back a little.
	template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.AddDate(1, 0, 0)
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	parent, signer := template, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading back %s: %w", name, err)
	}
	p := &pair{cert: cert, key: key, keyPEM: keyPEM, certPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	if err := os.WriteFile(filepath.Join(dir, name+".crt"), p.certPEM, 0o644); err != nil {
		return nil, err
	}
	return p, os.WriteFile(filepath.Join(dir, name+".key"), p.keyPEM, 0o600)
}

// loadPair reads what issue wrote.
func loadPair(dir, name string) (*pair, error) {
	var p pair
	var err error
	if p.certPEM, err = os.ReadFile(filepath.Join(dir, name+".crt")); err != nil {
		return nil, err
	}
	if p.keyPEM, err = os.ReadFile(filepath.Join(dir, name+".key")); err != nil {
		return nil, err
	}
	certBlock, _ := pem.Decode(p.certPEM)
	keyBlock, _ := pem.Decode(p.keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, fmt.Errorf("%s/%s.crt or .key holds no PEM", dir, name)
	}
	if p.cert, err = x509.ParseCertificate(certBlock.Bytes); err != nil {
		return nil, fmt.Errorf("reading %s/%s.crt: %w", dir, name, err)
	}
	if p.key, err = x509.ParseECPrivateKey(keyBlock.Bytes); err != nil {
		return nil, fmt.Errorf("reading %s/%s.key: %w", dir, name, err)
	}
	return &p, nil
}

// serviceAccountKeys writes sa.key and sa.pub unless they are there: tokens of an earlier run must stay valid.
func serviceAccountKeys(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "sa.pub")); err == nil {
		return nil
	}
	key, keyPEM, err := newKey()
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return fmt.Errorf("encoding the service account key: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sa.key"), keyPEM, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "sa.pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644)
}
