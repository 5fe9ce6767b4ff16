package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
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
	var ips []net.IP
	names := []string{cfg.NodeName}
	for _, host := range cfg.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			ips = append(ips, ip)
		} else {
			names = append(names, host)
		}
	}
	cert, key, err := certutil.GenerateSelfSignedCertKey(cfg.NodeName, ips, names)
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
