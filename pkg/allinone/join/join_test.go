package join

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/cert"
	kubeproxy "k8s.io/kube-proxy/config/v1alpha1"
	kubelet "k8s.io/kubelet/config/v1beta1"

	"tiphys.dev/tiphys/pkg/allinone/jointoken"
	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/allinone/welcome"
	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/pkg/controller/bootstrapsigner"
	"tiphys.dev/tiphys/pkg/controller/csrapproving"
	"tiphys.dev/tiphys/pkg/controller/csrsigning"
	"tiphys.dev/tiphys/test/harness"
)

// certificateLife is so short that the managers renew at once: they go by the time since the (backdated) beginning.
const certificateLife = 30 * time.Second

// world is a real API server with the controllers that joining takes.
type world struct {
	*testing.T
	client kubernetes.Interface
	server string
	hash   string
}

type runner interface{ Run(context.Context) error }

func newWorld(t *testing.T) *world {
	t.Helper()
	files, err := pki.Ensure(pki.Config{Dir: t.TempDir(), NodeName: "server", NodeIP: net.IPv4(127, 0, 0, 1), ServiceIP: net.IPv4(10, 96, 0, 1),
		ClusterDomain: "cluster.local", Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t}
	cluster := harness.Start(t, harness.Config{Change: func(c *apiserver.Config) {
		c.SecureServing.ServerCert.CertKey.CertFile, c.SecureServing.ServerCert.CertKey.KeyFile = files.Cert("apiserver"), files.Key("apiserver")
		c.Authentication.ClientCert.ClientCA = files.Cert("ca")
		c.Authentication.BootstrapTokens = true
		c.Admission.EnablePlugins = []string{"NodeRestriction"}
		w.server = "https://" + c.SecureServing.Listener.Addr().String()
	}})
	w.client = cluster.Client()
	ca, err := os.ReadFile(files.Cert("ca"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := cert.ParseCertsPEM(ca)
	if err != nil {
		t.Fatal(err)
	}
	w.hash = jointoken.Hash(parsed[0])
	if err := welcome.Publish(t.Context(), w.client, welcome.Facts{Server: w.server, CA: ca,
		Kubelet: &kubelet.KubeletConfiguration{ClusterDomain: "cluster.local"}, Proxy: &kubeproxy.KubeProxyConfiguration{ClusterCIDR: "10.244.0.0/16"}}); err != nil {
		t.Fatal(err)
	}
	w.runControllers(files)
	return w
}

func (w *world) runControllers(files pki.Files) {
	w.Helper()
	factory := informers.NewSharedInformerFactory(w.client, 0)
	requests := factory.Certificates().V1().CertificateSigningRequests()
	authorities := map[string]csrsigning.Authority{}
	for _, k := range []kind{clientKind("x"), serverKind("x", nil), proxyKind()} {
		authorities[k.signer] = csrsigning.Authority{CertFile: files.Cert("ca"), KeyFile: files.Key("ca")}
	}
	approving, err1 := csrapproving.New(csrapproving.Config{Client: w.client, Requests: requests})
	signing, err2 := csrsigning.New(csrsigning.Config{Client: w.client, Requests: requests, Authorities: authorities, Longest: certificateLife, Workers: 1})
	signer, err3 := bootstrapsigner.New(bootstrapsigner.Config{Client: w.client})
	approver, err4 := welcome.New(welcome.Config{Client: w.client, Requests: requests, Nodes: factory.Core().V1().Nodes(),
		Cluster: welcome.Cluster{Ranges: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")}, Domain: "cluster.local"}})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, r := range []runner{approving, signing, signer, approver} {
		group.Go(func() { _ = r.Run(ctx) })
	}
	factory.StartWithContext(ctx)
	w.Cleanup(func() {
		cancel()
		group.Wait()
		factory.Shutdown()
	})
}

func (w *world) token() jointoken.Token {
	w.Helper()
	token, err := jointoken.Create(w.Context(), w.client, w.hash, jointoken.Wish{TTL: time.Hour, Now: time.Now()})
	if err != nil {
		w.Fatal(err)
	}
	return token
}

func (w *world) config(node, ip string, token *jointoken.Token) Config {
	return Config{Server: w.server, Token: token, Dir: w.TempDir(), NodeName: node, NodeIPs: []net.IP{net.ParseIP(ip)}, Now: time.Now, Say: w.Logf}
}

func (w *world) node(name, ip string, ready v1.ConditionStatus) {
	w.Helper()
	n, err := w.client.CoreV1().Nodes().Create(w.Context(), &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil {
		w.Fatal(err)
	}
	n.Status.Addresses = []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: ip}}
	n.Status.Conditions = []v1.NodeCondition{{Type: v1.NodeReady, Status: ready}}
	if _, err := w.client.CoreV1().Nodes().UpdateStatus(w.Context(), n, metav1.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
}

func leafOf(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func says(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestJoin(t *testing.T) {
	if testing.Short() {
		t.Skip("starts etcd and an API server")
	}
	w := newWorld(t)
	w.node("alive", "192.0.2.8", v1.ConditionTrue)
	w.node("dead", "192.0.2.9", v1.ConditionUnknown)
	token := w.token()

	t.Run("and stay", func(t *testing.T) {
		cfg := w.config("n1", "192.0.2.1", &token)
		m, err := Join(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for file, user := range map[string]string{m.KubeletClient(): "system:node:n1", m.KubeletServer(): "system:node:n1", m.ProxyClient(): "system:kube-proxy"} {
			if got := leafOf(t, file).Subject.CommonName; got != user {
				t.Errorf("%s is of %s", file, got)
			}
		}
		if serving := leafOf(t, m.KubeletServer()); serving.VerifyHostname("192.0.2.1") != nil || serving.VerifyHostname("n1") != nil {
			t.Errorf("the serving certificate is for %v, %v", serving.IPAddresses, serving.DNSNames)
		}
		facts, err := m.Facts(t.Context())
		if err != nil || facts.Kubelet.ClusterDomain != "cluster.local" || facts.Proxy.ClusterCIDR != "10.244.0.0/16" {
			t.Fatalf("facts %+v, %v", facts, err)
		}
		before := leafOf(t, m.KubeletClient())

		// A second start needs no token, nor the server.
		cfg.Token = nil
		if _, err := Join(t.Context(), cfg); err != nil {
			t.Errorf("again: %v", err)
		}
		away := cfg
		away.Server = closedPort(t)
		again, err := Join(t.Context(), away)
		if err != nil {
			t.Fatalf("with the server away: %v", err)
		}
		if facts, err := again.Facts(t.Context()); err != nil || facts.Kubelet.ClusterDomain != "cluster.local" {
			t.Errorf("with the server away: %+v, %v", facts, err)
		}
		if after := leafOf(t, m.KubeletClient()); after.SerialNumber.Cmp(before.SerialNumber) != 0 {
			t.Error("a certificate that holds was replaced")
		}
		renamed := cfg
		renamed.NodeName = "n2"
		_, err = Join(t.Context(), renamed)
		says(t, err, "has joined as node n1 and cannot become n2")
		foreign := cfg
		foreign.Token = &jointoken.Token{CAHash: "sha256:" + strings.Repeat("0", 64), ID: token.ID, Secret: token.Secret}
		_, err = Join(t.Context(), foreign)
		says(t, err, "has joined another cluster")
		late := cfg
		late.Now = func() time.Time { return time.Now().Add(time.Hour) }
		_, err = Join(t.Context(), late)
		says(t, err, "join again with a token")
		early := cfg
		early.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		_, err = Join(t.Context(), early)
		says(t, err, "set the clock")
	})

	t.Run("certificates are renewed under the same names", func(t *testing.T) {
		m, err := Join(t.Context(), w.config("n3", "192.0.2.3", &token))
		if err != nil {
			t.Fatal(err)
		}
		files := []string{m.KubeletClient(), m.KubeletServer(), m.ProxyClient()}
		before := map[string]string{}
		for _, file := range files {
			before[file] = leafOf(t, file).SerialNumber.String()
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Keep(ctx) }()
		err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
			for _, file := range files {
				// The store's files are called by the second, so that one renewed in the second it was made in is
				// written over: then it may be half there.
				pair, err := tls.LoadX509KeyPair(file, file)
				if err != nil || pair.Leaf.SerialNumber.String() == before[file] {
					return false, nil
				}
			}
			return true, nil
		})
		if err != nil {
			t.Errorf("not renewed: %v", err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Keep ended with %v", err)
		}
	})

	t.Run("the place of a node that is not ready is taken", func(t *testing.T) {
		if _, err := Join(t.Context(), w.config("dead", "192.0.2.9", &token)); err != nil {
			t.Error(err)
		}
	})

	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	defer other.Close()
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no token", func(c *Config) { c.Token = nil }, "give a token"},
		{"a token of another cluster", func(c *Config) { c.Token.CAHash = "sha256:" + strings.Repeat("0", 64) }, "is not the one of the token"},
		{"a token that is not there", func(c *Config) { c.Token.ID = "zzzzzz" }, "has no token zzzzzz"},
		{"a wrong secret", func(c *Config) { c.Token.Secret = "zzzzzzzzzzzzzzzz" }, "the secret of token " + token.ID + " is wrong"},
		{"nobody there", func(c *Config) { c.Server = closedPort(t) }, "does not answer: is the server running"},
		{"a name that does not exist", func(c *Config) { c.Server = "https://tiphys.invalid:6443" }, "tiphys.invalid"},
		{"a plain web server", func(c *Config) { c.Server = "https://" + plain.Listener.Addr().String() }, "does not speak TLS"},
		{"another web server", func(c *Config) { c.Server = other.URL }, "is no Kubernetes API server"},
		{"a clock that is ahead", func(c *Config) { c.Now = func() time.Time { return time.Now().Add(time.Hour) } }, "ahead of the server's"},
		{"a clock that is behind", func(c *Config) { c.Now = func() time.Time { return time.Now().Add(-time.Hour) } }, "behind the server's"},
		{"a name that is taken", func(c *Config) { c.NodeName = "alive" }, "the node name alive is taken"},
		{"an address that is taken", func(c *Config) { c.NodeIPs = []net.IP{net.ParseIP("192.0.2.8")} }, "192.0.2.8 is the address of node alive"},
		{"an address of services", func(c *Config) { c.NodeIPs = []net.IP{net.ParseIP("10.96.0.1")} }, "lies in the cluster's range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := token
			cfg := w.config("n9", "192.0.2.99", &given)
			c.change(&cfg)
			_, err := Join(t.Context(), cfg)
			says(t, err, c.want)
			if err != nil && strings.Contains(err.Error(), token.Secret) {
				t.Errorf("the secret is in the message: %v", err)
			}
		})
	}

	t.Run("a token that was deleted", func(t *testing.T) {
		short := w.token()
		if err := jointoken.Delete(t.Context(), w.client, short.ID); err != nil {
			t.Fatal(err)
		}
		cfg := w.config("n10", "192.0.2.10", &short)
		_, err := Join(t.Context(), cfg)
		// Until the signature is gone, the refusal is the authenticator's.
		if err == nil || !strings.Contains(err.Error(), "has expired or was deleted") {
			t.Errorf("got %v", err)
		}
	})
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "https://" + l.Addr().String()
}

func TestServer(t *testing.T) {
	for text, want := range map[string]string{
		"https://192.0.2.1:6443": "https://192.0.2.1:6443", "https://api.example": "https://api.example:6443", "https://[2001:db8::1]/": "https://[2001:db8::1]:6443",
		"": "", "192.0.2.1": "", "http://192.0.2.1:6443": "", "https://": "", "https://h/path": "",
	} {
		got, err := Server(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestExplainNamesTheCertificate(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	c := &x509.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(-time.Minute), DNSNames: []string{"kubernetes"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}}
	for _, test := range []struct {
		err  error
		want string
	}{
		{x509.CertificateInvalidError{Cert: c, Reason: x509.Expired}, "this machine's clock says 2026-11-22T00:00:00Z"},
		{x509.HostnameError{Certificate: c, Host: "api.example"}, "--tls-san=api.example"},
		{x509.UnknownAuthorityError{Cert: c}, "signed by another authority"},
		{context.DeadlineExceeded, "does not answer"},
	} {
		says(t, explain(test.err, "https://api.example:6443", now), test.want)
	}
}
