package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
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
	"sync"
	"time"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

func tlsConfig(cfg *Config) (*tls.Config, error) {
	out := &tls.Config{MinVersion: cfg.MinVersion, CipherSuites: cfg.CipherSuites, NextProtos: []string{"h2", "http/1.1"},
		// Asked for, not demanded: tokens are as good. The authenticator verifies.
		ClientAuth: tls.RequestClientCert}
	if out.MinVersion == 0 {
		out.MinVersion = tls.VersionTLS12
	}
	if cfg.GetCertificate != nil {
		out.GetCertificate = cfg.GetCertificate
		return out, nil
	}
	if cfg.CertFile == "" {
		cfg.CertFile, cfg.KeyFile = filepath.Join(cfg.CertDir, "kubelet.crt"), filepath.Join(cfg.CertDir, "kubelet.key")
		if err := ensureSelfSigned(cfg); err != nil {
			return nil, err
		}
	}
	files := &certFiles{cert: cfg.CertFile, key: cfg.KeyFile}
	if _, err := files.get(nil); err != nil {
		return nil, err
	}
	out.GetCertificate = files.get
	return out, nil
}

// ensureSelfSigned makes a pair unless a usable one is there.
func ensureSelfSigned(cfg *Config) error {
	if ok, err := certutil.CanReadCertAndKey(cfg.CertFile, cfg.KeyFile); err == nil && ok {
		if pair, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile); err == nil && pair.Leaf != nil && time.Now().Before(pair.Leaf.NotAfter) {
			return nil
		}
	}
	cert, key, err := selfSigned(cfg.NodeName, cfg.Hosts, time.Now())
	if err != nil {
		return fmt.Errorf("making a self-signed certificate: %w", err)
	}
	if err := certutil.WriteCert(cfg.CertFile, cert); err != nil {
		return fmt.Errorf("writing the self-signed certificate: %w", err)
	}
	if err := keyutil.WriteKey(cfg.KeyFile, key); err != nil {
		return fmt.Errorf("writing the self-signed certificate: %w", err)
	}
	return nil
}

// selfSigned makes a certificate that lasts a year. An elliptic key is made in no time; an RSA one can take seconds on a busy node, and the
// kubelet does not serve before.
func selfSigned(name string, hosts []string, now time.Time) (cert, key []byte, err error) {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: fmt.Sprintf("%s@%d", name, now.Unix())},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{name}}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if host != name {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		return nil, nil, err
	}
	key, err = keyutil.MarshalPrivateKeyToPEM(signer)
	return pem.EncodeToMemory(&pem.Block{Type: certutil.CertificateBlockType, Bytes: der}), key, err
}

// certFiles reads the pair again when the file changed. It looks when somebody connects, at most once a second.
type certFiles struct {
	cert, key string

	mu       sync.Mutex
	pair     *tls.Certificate
	changed  time.Time
	lookedAt time.Time
}

func (c *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pair != nil && time.Since(c.lookedAt) < time.Second {
		return c.pair, nil
	}
	c.lookedAt = time.Now()
	info, err := os.Stat(c.cert)
	if err == nil && c.pair != nil && info.ModTime().Equal(c.changed) {
		return c.pair, nil
	}
	pair, loadErr := tls.LoadX509KeyPair(c.cert, c.key)
	if loadErr != nil {
		if c.pair != nil {
			return c.pair, nil // half written: the next look will find the other half
		}
		if errors.Is(loadErr, fs.ErrNotExist) {
			return nil, fmt.Errorf("serving certificate: %w", loadErr)
		}
		return nil, fmt.Errorf("serving certificate %s: %w", c.cert, loadErr)
	}
	c.pair = &pair
	if err == nil {
		c.changed = info.ModTime()
	}
	return c.pair, nil
}
