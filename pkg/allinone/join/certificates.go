package join

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"time"

	certificates "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/certificate"
	"k8s.io/client-go/util/certificate/csr"
	"k8s.io/client-go/util/keyutil"
)

// kind is one of the certificates a node has.
type kind struct {
	// name of the files: <name>-current.pem.
	name, signer string
	usage        certificates.KeyUsage
	template     x509.CertificateRequest
}

const nodesGroup = "system:nodes"

const userPrefix = "system:node:"

func nodeUser(name string) string { return userPrefix + name }

// The certificates of a node, by the names of their files.
const (
	kubeletClient = "kubelet-client"
	kubeletServer = "kubelet-server"
	proxyClient   = "kube-proxy-client"
)

func clientKind(nodeName string) kind {
	return kind{name: kubeletClient, signer: certificates.KubeAPIServerClientKubeletSignerName, usage: certificates.UsageClientAuth,
		template: x509.CertificateRequest{Subject: pkix.Name{CommonName: nodeUser(nodeName), Organization: []string{nodesGroup}}}}
}

func serverKind(nodeName string, ips []net.IP) kind {
	return kind{name: kubeletServer, signer: certificates.KubeletServingSignerName, usage: certificates.UsageServerAuth,
		template: x509.CertificateRequest{Subject: pkix.Name{CommonName: nodeUser(nodeName), Organization: []string{nodesGroup}},
			DNSNames: []string{nodeName}, IPAddresses: ips}}
}

func proxyKind() kind {
	return kind{name: proxyClient, signer: certificates.KubeAPIServerClientSignerName, usage: certificates.UsageClientAuth,
		template: x509.CertificateRequest{Subject: pkix.Name{CommonName: "system:kube-proxy"}}}
}

func (k kind) usages() []certificates.KeyUsage {
	// Keys are elliptic: no key encipherment.
	return []certificates.KeyUsage{certificates.UsageDigitalSignature, k.usage}
}

// current is the file that always holds the newest certificate with its key.
func current(dir, name string) string { return filepath.Join(dir, name+"-current.pem") }

func (k kind) store(dir string) (certificate.FileStore, error) {
	s, err := certificate.NewFileStore(k.name, dir, dir, "", "")
	if err != nil {
		return nil, fmt.Errorf("the certificates in %s: %w", dir, err)
	}
	return s, nil
}

// errEnded is for a certificate that could have been renewed, had the machine run.
var errEnded = errors.New("it has ended")

// kept returns the certificate on disk; nil when there is none, or none that fits what is wanted.
// One whose time is over is an error.
func (k kind) kept(dir string, roots *x509.CertPool, now time.Time) (*x509.Certificate, error) {
	s, err := k.store(dir)
	if err != nil {
		return nil, err
	}
	pair, err := s.Current()
	var none *certificate.NoCertKeyError
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s is damaged, remove it and join again with a token: %w", current(dir, k.name), err)
	}
	leaf := pair.Leaf
	if !k.fits(leaf) {
		return nil, nil
	}
	if now.After(leaf.NotAfter) {
		return leaf, errEnded
	}
	// The authority, not the time: a clock that is behind is told of elsewhere.
	options := x509.VerifyOptions{Roots: roots, CurrentTime: leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 2),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	if _, err := leaf.Verify(options); err != nil {
		return nil, fmt.Errorf("%s is of another cluster: use another --data-dir, or remove this one to join with a token (%w)", current(dir, k.name), err)
	}
	return leaf, nil
}

// fits tells whether a certificate names what is wanted.
func (k kind) fits(c *x509.Certificate) bool {
	want := k.template
	return c.Subject.CommonName == want.Subject.CommonName && slices.Equal(c.Subject.Organization, want.Subject.Organization) &&
		slices.Equal(c.DNSNames, want.DNSNames) && slices.EqualFunc(c.IPAddresses, want.IPAddresses, net.IP.Equal)
}

// approvalPatience is for the controllers that approve and sign; they take milliseconds.
const approvalPatience = time.Minute

// request asks for a certificate, waits for it and stores it.
func (k kind) request(ctx context.Context, client kubernetes.Interface, dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	requestPEM, err := encodeRequest(&k.template, key)
	if err != nil {
		return fmt.Errorf("making a certificate request: %w", err)
	}
	name, uid, err := csr.RequestCertificateWithContext(ctx, client, requestPEM, "", k.signer, nil, k.usages(), key)
	if err != nil {
		// It wraps API errors in text only; those have been met before, with the same client.
		return fmt.Errorf("asking for the certificate %s: %w", k.name, err)
	}
	waiting, cancel := context.WithTimeout(ctx, approvalPatience)
	defer cancel()
	issued, err := csr.WaitForCertificate(waiting, client, name, uid)
	if err != nil {
		return k.refused(ctx, client, name, err)
	}
	s, err := k.store(dir)
	if err != nil {
		return err
	}
	if _, err := s.Update(issued, keyPEM); err != nil {
		return fmt.Errorf("keeping the certificate %s: %w", k.name, err)
	}
	return nil
}

// refused says why a request had no success.
func (k kind) refused(ctx context.Context, client kubernetes.Interface, name string, err error) error {
	request, getErr := client.CertificatesV1().CertificateSigningRequests().Get(ctx, name, getOptions)
	if getErr == nil {
		for _, c := range request.Status.Conditions {
			if c.Type == certificates.CertificateDenied {
				return fmt.Errorf("the cluster refuses the certificate %s: %s", k.name, c.Message)
			}
		}
	}
	if apierrors.IsForbidden(getErr) || getErr == nil && ctx.Err() == nil {
		return fmt.Errorf("the cluster did not issue the certificate %s within %v: look at `kubectl get csr %s`, and approve it if it is right (%w)", k.name, approvalPatience, name, err)
	}
	return fmt.Errorf("waiting for the certificate %s: %w", k.name, err)
}

// manager renews a certificate in time.
func (k kind) manager(dir string, client kubernetes.Interface) (certificate.Manager, error) {
	s, err := k.store(dir)
	if err != nil {
		return nil, err
	}
	m, err := certificate.NewManager(&certificate.Config{
		Name: k.name, CertificateStore: s, SignerName: k.signer, Template: &k.template,
		ClientsetFn: func(*tls.Certificate) (kubernetes.Interface, error) { return client, nil },
		GetUsages:   func(any) []certificates.KeyUsage { return k.usages() },
	})
	if err != nil {
		return nil, fmt.Errorf("keeping the certificate %s: %w", k.name, err)
	}
	return m, nil
}
