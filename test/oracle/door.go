package oracle

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
)

// Doors are the ways in which a client can come: with another protocol, and with credentials that are wrong in one way each.
const (
	// doorUpgrade is the administrator over HTTP/1.1, which alone can change protocols.
	doorUpgrade = "upgrade"
	// doorNobody brings no certificate.
	doorNobody = "nobody"
	// doorStranger brings a certificate that it made itself.
	doorStranger = "stranger"
	// doorPlain speaks without TLS.
	doorPlain = "plain"
	// doorProxy is the front proxy, which names its user in headers.
	doorProxy = "proxy"
	// The others bring certificates of the right authority.
	doorExpired = "expired"
	doorEarly   = "early"
	doorServer  = "server"
	doorUnnamed = "unnamed"
	doorGroup   = "group"
)

// open makes the client of a door.
func (s *server) open(door string) (*http.Client, error) {
	config := rest.CopyConfig(s.config)
	now := time.Now()
	switch door {
	case doorUpgrade:
	case doorNobody:
		config = rest.AnonymousClientConfig(config)
	case doorPlain:
		return &http.Client{}, nil
	case doorProxy:
		config.CertData, config.KeyData = nil, nil
		config.CertFile, config.KeyFile = filepath.Join(s.pki, "front-proxy-client.crt"), filepath.Join(s.pki, "front-proxy-client.key")
		return rest.HTTPClientFor(config)
	default:
		template := &x509.Certificate{Subject: pkix.Name{CommonName: "door-" + door}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		pki := s.pki
		switch door {
		case doorStranger:
			pki = ""
		case doorExpired:
			template.NotAfter = now.Add(-time.Minute)
		case doorEarly:
			template.NotBefore = now.Add(30 * time.Minute)
		case doorServer:
			template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		case doorUnnamed:
			template.Subject = pkix.Name{Organization: []string{"a"}}
		case doorGroup:
			template.Subject.Organization = []string{"system:masters"}
		default:
			return nil, fmt.Errorf("there is no door %q", door)
		}
		var err error
		if config.CertData, config.KeyData, err = sign(template, pki); err != nil {
			return nil, fmt.Errorf("the certificate of door %s: %w", door, err)
		}
	}
	config.NextProtos = []string{"http/1.1"}
	return rest.HTTPClientFor(config)
}

// sign issues a client certificate by the authority of a directory, or by itself if that is empty.
func sign(template *x509.Certificate, pki string) (certificate, key []byte, err error) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber, template.KeyUsage = big.NewInt(time.Now().UnixNano()), x509.KeyUsageDigitalSignature
	parent, signer := template, any(own)
	if pki != "" {
		name := filepath.Join(pki, "ca")
		ca, err := tls.LoadX509KeyPair(name+".crt", name+".key")
		if err != nil {
			return nil, nil, err
		}
		if parent, err = x509.ParseCertificate(ca.Certificate[0]); err != nil {
			return nil, nil, err
		}
		signer = ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &own.PublicKey, signer)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), nil
}

// locked tells whether a door needs the keys of a server that is not ours to start.
func (s *server) locked(door string) bool {
	switch door {
	case "", doorUpgrade, doorNobody, doorStranger, doorPlain:
		return false
	}
	_, err := os.Stat(filepath.Join(s.pki, "ca.key"))
	return s.pki == "" || err != nil
}
