package apiserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/google/uuid"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/server/options"

	"tiphys.dev/tiphys/pkg/apiserver/coalesce"
)

// loopbackAge is how long a server can run before the certificate for its own clients ends; it is upstream's.
const loopbackAge = (3*365 + 1) * 24 * time.Hour

// serve opens the secure port and makes the credentials with which the server reaches itself. It differs from
// options.SecureServingOptionsWithLoopback in the kind of key only: an RSA key would take a tenth of the time of a start.
func serve(opts *options.SecureServingOptions, config *genericapiserver.Config) error {
	if err := opts.ApplyTo(&config.SecureServing); err != nil {
		return err
	}
	if l := config.SecureServing.Listener; l != nil {
		config.SecureServing.Listener = coalesce.Listener(l)
	}
	cert, key, err := loopbackCertificate(time.Now())
	if err != nil {
		return fmt.Errorf("making the loopback certificate: %w", err)
	}
	name := genericapiserver.LoopbackClientServerNameOverride
	content, err := dynamiccertificates.NewStaticSNICertKeyContent("self-signed loopback", cert, key, name)
	if err != nil {
		return fmt.Errorf("making the loopback certificate: %w", err)
	}
	// The first one wins, whatever other certificates say about the name.
	config.SecureServing.SNICerts = append([]dynamiccertificates.SNICertKeyContentProvider{content}, config.SecureServing.SNICerts...)
	if config.LoopbackClientConfig, err = config.SecureServing.NewLoopbackClientConfig(uuid.NewString(), cert); err != nil {
		return err
	}
	ends := time.Now().Add(loopbackAge)
	check := healthz.NamedCheck("loopback-serving-certificate", func(*http.Request) error {
		if time.Now().After(ends) {
			return options.LoopbackCertificateExpiredError{}
		}
		return nil
	})
	config.AddHealthzChecks(check)
	config.AddLivezChecks(check)
	return nil
}

// loopbackCertificate is self-signed, for the name that clients of the own process ask for.
func loopbackCertificate(now time.Time) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	name := genericapiserver.LoopbackClientServerNameOverride
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: fmt.Sprintf("%s@%d", name, now.Unix())},
		DNSNames:     []string{name},
		// A little earlier, for a clock that is set back.
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(loopbackAge),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), nil
}
