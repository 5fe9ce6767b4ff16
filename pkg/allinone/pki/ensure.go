package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/keyutil"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
)

// Config describes the cluster whose certificates are kept.
type Config struct {
	// Dir holds the files; it is made when missing, readable by root only.
	Dir string
	// NodeName and NodeIP are the kubelet's identity.
	NodeName string
	NodeIP   net.IP
	// ServiceIP is the ClusterIP of the "kubernetes" service, ClusterDomain the DNS suffix.
	ServiceIP     net.IP
	ClusterDomain string
	// ExtraNames are further DNS names and IP addresses people reach the API server by.
	ExtraNames []string
	// Now is the present time.
	Now time.Time
}

// Names of the client certificates.
const (
	Admin             = "admin"
	ControllerManager = "controller-manager"
	Scheduler         = "scheduler"
	Proxy             = "proxy"
	Kubelet           = "kubelet"
)

// Files is where everything is.
type Files struct{ dir string }

// Cert and Key give the paths of a pair; CA those of the authority.
func (f Files) Cert(name string) string { return filepath.Join(f.dir, name+".crt") }

// Key gives the path of the named pair's private key.
func (f Files) Key(name string) string { return filepath.Join(f.dir, name+".key") }

// ServiceAccountKey is the private key that signs service account tokens.
func (f Files) ServiceAccountKey() string { return filepath.Join(f.dir, "sa.key") }

// ServiceAccountPublicKey is the key that verifies them.
func (f Files) ServiceAccountPublicKey() string { return filepath.Join(f.dir, "sa.pub") }

// At names the files of a folder without looking at them.
func At(dir string) Files { return Files{dir: dir} }

// Ensure makes the folder complete and current.
func Ensure(cfg Config) (Files, error) {
	files := At(cfg.Dir)
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return files, fmt.Errorf("making the certificate folder: %w", err)
	}
	ca, err := ensureAuthority(cfg.Dir, "ca", "kubernetes", cfg.Now)
	if err != nil {
		return files, err
	}
	frontProxyCA, err := ensureAuthority(cfg.Dir, "front-proxy-ca", "front-proxy-ca", cfg.Now)
	if err != nil {
		return files, err
	}
	for _, l := range cfg.leaves() {
		if err := ensureLeaf(cfg.Dir, l, ca, cfg.Now); err != nil {
			return files, err
		}
	}
	frontProxy := leaf{name: "front-proxy-client", commonName: "front-proxy-client", usage: x509.ExtKeyUsageClientAuth}
	if err := ensureLeaf(cfg.Dir, frontProxy, frontProxyCA, cfg.Now); err != nil {
		return files, err
	}
	return files, ensureServiceAccountKey(files)
}

// leaves lists what the cluster's authority signs.
func (c Config) leaves() []leaf {
	client := func(name, commonName string, organization ...string) leaf {
		return leaf{name: name, commonName: commonName, organization: organization, usage: x509.ExtKeyUsageClientAuth}
	}
	serving := leaf{
		name: "apiserver", commonName: "kube-apiserver", usage: x509.ExtKeyUsageServerAuth,
		dnsNames: []string{
			"kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc." + c.ClusterDomain, "localhost", c.NodeName,
		},
		ips: []net.IP{c.ServiceIP, c.NodeIP, net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, name := range c.ExtraNames {
		if ip := net.ParseIP(name); ip != nil {
			serving.ips = append(serving.ips, ip)
		} else {
			serving.dnsNames = append(serving.dnsNames, name)
		}
	}
	return []leaf{
		serving,
		// system:masters instead of kubeadm's own groups: those have no rights until bound.
		client("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
		client(Admin, "kubernetes-admin", "system:masters"),
		client(ControllerManager, "system:kube-controller-manager"),
		client(Scheduler, "system:kube-scheduler"),
		client(Proxy, "system:kube-proxy"),
		client(Kubelet, "system:node:"+c.NodeName, "system:nodes"),
		{
			name: "kubelet-server", commonName: "system:node:" + c.NodeName, organization: []string{"system:nodes"},
			usage: x509.ExtKeyUsageServerAuth, dnsNames: []string{c.NodeName}, ips: []net.IP{c.NodeIP},
		},
	}
}

// ensureServiceAccountKey makes the token signing key once. The public half is derived, so it is
// written anew whenever it is missing.
func ensureServiceAccountKey(files Files) error {
	keyPEM, err := os.ReadFile(files.ServiceAccountKey())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(files.ServiceAccountPublicKey()); err == nil {
			return fmt.Errorf("%s is missing but its public half exists: restore it from a backup", files.ServiceAccountKey())
		}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		if keyPEM, err = keyutil.MarshalPrivateKeyToPEM(key); err != nil {
			return err
		}
		if err := atomicfile.Write(files.ServiceAccountKey(), keyPEM, 0o600); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	parsed, err := keyutil.ParsePrivateKeyPEM(keyPEM)
	if err != nil {
		return fmt.Errorf("service account key %s is damaged, restore it from a backup: %w", files.ServiceAccountKey(), err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return fmt.Errorf("service account key %s is a %T, not the ECDSA key that was made here", files.ServiceAccountKey(), parsed)
	}
	publicPEM, err := encodePublic(&key.PublicKey)
	if err != nil {
		return err
	}
	return atomicfile.Write(files.ServiceAccountPublicKey(), publicPEM, 0o644)
}
