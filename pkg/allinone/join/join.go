package join

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/certificate"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
	"tiphys.dev/tiphys/pkg/allinone/jointoken"
)

// Config says who joins what.
type Config struct {
	// Server is the API server's URL as this machine reaches it.
	Server string
	// Token to join with; nil when none was given. A machine that has joined needs none.
	Token *jointoken.Token
	// Dir keeps certificates and facts.
	Dir string
	// NodeName and NodeIPs are the node's identity.
	NodeName string
	NodeIPs  []net.IP
	// Now is the present time.
	Now func() time.Time
	// Say takes a line for each step that people wait for.
	Say func(format string, args ...any)
}

// Membership is a machine's place in the cluster.
type Membership struct {
	cfg    Config
	client kubernetes.Interface
}

// ErrNoToken is returned for a machine that has neither joined nor a token to do it with.
var ErrNoToken = errors.New("this machine has not joined a cluster yet: give a token with --token-file or --token, as `tiphys token create` prints it on the server")

var getOptions = metav1.GetOptions{}

// answerTimeout bounds each exchange with the server.
const answerTimeout = 10 * time.Second

// Server checks and completes the URL of a server.
func Server(text string) (string, error) {
	u, err := url.Parse(text)
	if text == "" || err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return "", fmt.Errorf("--server %q: give the API server's address as https://HOST:6443", text)
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "6443")
	}
	return "https://" + u.Host, nil
}

// Join makes the machine a node of the cluster, or finds that it is.
func Join(ctx context.Context, cfg Config) (*Membership, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the certificate folder: %w", err)
	}
	m := &Membership{cfg: cfg}
	joined, err := m.hasJoined()
	if err != nil {
		return nil, err
	}
	if !joined {
		if cfg.Token == nil {
			return nil, ErrNoToken
		}
		if err := m.join(ctx); err != nil {
			return nil, err
		}
	}
	if m.client, err = kubernetes.NewForConfig(m.config(kubeletClient)); err != nil {
		return nil, err
	}
	return m, m.complete(ctx)
}

// hasJoined looks for the node's client certificate.
func (m *Membership) hasJoined() (bool, error) {
	content, err := os.ReadFile(m.CAFile())
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	authorities, err := cert.ParseCertsPEM(content)
	if err != nil {
		return false, fmt.Errorf("%s is damaged, remove it and join again with a token: %w", m.CAFile(), err)
	}
	roots := x509.NewCertPool()
	same := false
	for _, ca := range authorities {
		roots.AddCert(ca)
		same = same || m.cfg.Token != nil && jointoken.Hash(ca) == m.cfg.Token.CAHash
	}
	if m.cfg.Token != nil && !same {
		return false, fmt.Errorf("this machine has joined another cluster (%s) than the token's (%s): use another --data-dir, or remove this one first", hashes(authorities), m.cfg.Token.CAHash)
	}
	now := m.cfg.Now()
	leaf, err := clientKind(m.cfg.NodeName).kept(m.cfg.Dir, roots, now)
	switch {
	case errors.Is(err, errEnded) && m.cfg.Token != nil:
		return false, nil
	case errors.Is(err, errEnded):
		return false, fmt.Errorf("the node's certificate ended on %s, before it was renewed (this machine's clock says %s): join again with a token", stamp(leaf.NotAfter), stamp(now))
	case err != nil:
		return false, err
	case leaf == nil:
		return false, m.joinedAsAnother()
	case now.Before(leaf.NotBefore):
		return false, fmt.Errorf("the node's certificate begins on %s, but this machine's clock says %s: set the clock", stamp(leaf.NotBefore), stamp(now))
	}
	return true, nil
}

// joinedAsAnother is for a certificate that does not fit: of another node name.
func (m *Membership) joinedAsAnother() error {
	pair, err := tls.LoadX509KeyPair(m.KubeletClient(), m.KubeletClient())
	if err != nil {
		return nil // there is none; anything else was an error before
	}
	name := strings.TrimPrefix(pair.Leaf.Subject.CommonName, userPrefix)
	return fmt.Errorf("this machine has joined as node %s and cannot become %s: start it with --node-name=%s, or use another --data-dir", name, m.cfg.NodeName, name)
}

// join gets the authority and the first certificate.
func (m *Membership) join(ctx context.Context) error {
	cfg := m.cfg
	cfg.Say("asking %s which cluster it is of", cfg.Server)
	asking, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	ca, err := discover(asking, cfg.Server, *cfg.Token, cfg.Now)
	if err != nil {
		return err
	}
	bootstrap, err := kubernetes.NewForConfig(&rest.Config{Host: cfg.Server, BearerToken: cfg.Token.Bearer(), QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: ca}})
	if err != nil {
		return err
	}
	if err := checkName(asking, bootstrap, cfg.NodeName); err != nil {
		var taken *nameTakenError
		if errors.As(err, &taken) {
			return err
		}
		return explain(err, cfg.Server, cfg.Now())
	}
	cfg.Say("joining as node %s", cfg.NodeName)
	if err := clientKind(cfg.NodeName).request(ctx, bootstrap, cfg.Dir); err != nil {
		return err
	}
	// Last: with it the machine counts as joined.
	return atomicfile.Write(m.CAFile(), ca, 0o644)
}

// nameTakenError is for a name that another machine has.
type nameTakenError struct{ name string }

func (e *nameTakenError) Error() string {
	return fmt.Sprintf("the node name %s is taken by a machine that is Ready: choose another with --node-name; if it was this machine before its data was removed, `kubectl delete node %s` first", e.name, e.name)
}

// checkName refuses the name of a node that lives.
func checkName(ctx context.Context, client kubernetes.Interface, name string) error {
	node, err := client.CoreV1().Nodes().Get(ctx, name, getOptions)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == v1.NodeReady && c.Status == v1.ConditionTrue {
			return &nameTakenError{name}
		}
	}
	klog.InfoS("A node of this name exists and is not Ready: taking its place", "node", name)
	return nil
}

// complete gets the other two certificates. When the server is away, the ones from before do.
func (m *Membership) complete(ctx context.Context) error {
	for _, k := range []kind{serverKind(m.cfg.NodeName, m.cfg.NodeIPs), proxyKind()} {
		leaf, err := k.kept(m.cfg.Dir, m.roots(), m.cfg.Now())
		if err == nil && leaf != nil {
			continue
		}
		if err != nil && !errors.Is(err, errEnded) {
			return err
		}
		if err := m.reachable(ctx); err != nil {
			return explain(err, m.cfg.Server, m.cfg.Now())
		}
		if err := k.request(ctx, m.client, m.cfg.Dir); err != nil {
			return err
		}
	}
	return nil
}

// reachable asks something cheap, for an error with its type.
func (m *Membership) reachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	_, err := m.client.CoreV1().Nodes().Get(ctx, m.cfg.NodeName, getOptions)
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

func (m *Membership) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	if content, err := os.ReadFile(m.CAFile()); err == nil {
		pool.AppendCertsFromPEM(content)
	}
	return pool
}

// config speaks with one of the kept certificates, as it is renewed.
func (m *Membership) config(name string) *rest.Config {
	file := current(m.cfg.Dir, name)
	return &rest.Config{Host: m.cfg.Server, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAFile: m.CAFile(), CertFile: file, KeyFile: file}}
}

// CAFile is the cluster's authority.
func (m *Membership) CAFile() string { return filepath.Join(m.cfg.Dir, "ca.crt") }

// KubeletClient, KubeletServer and ProxyClient are files with a certificate and its key.
func (m *Membership) KubeletClient() string { return current(m.cfg.Dir, kubeletClient) }

// KubeletServer is what the kubelet serves with.
func (m *Membership) KubeletServer() string { return current(m.cfg.Dir, kubeletServer) }

// ProxyClient is the proxy's credential.
func (m *Membership) ProxyClient() string { return current(m.cfg.Dir, proxyClient) }

// Keep renews the certificates until ctx ends.
func (m *Membership) Keep(ctx context.Context) error {
	var managers []certificate.Manager
	for _, k := range []kind{clientKind(m.cfg.NodeName), serverKind(m.cfg.NodeName, m.cfg.NodeIPs), proxyKind()} {
		one, err := k.manager(m.cfg.Dir, m.client)
		if err != nil {
			return err
		}
		managers = append(managers, one)
	}
	for _, one := range managers {
		one.Start()
		defer one.Stop()
	}
	<-ctx.Done()
	return ctx.Err()
}

func encodeRequest(template *x509.CertificateRequest, key any) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: cert.CertificateRequestBlockType, Bytes: der}), nil
}
