package harness

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"k8s.io/apimachinery/pkg/util/wait"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/pkg/features"
)

// Config says what to start; the zero value is right for most tests.
type Config struct {
	// Change is called with the server's settings before it is built.
	Change func(*apiserver.Config)
	// DataDir keeps the store; empty takes a folder that goes with the test.
	DataDir string
	// Addressed lets the server reach the store by its address, as servers do that share one.
	Addressed bool
}

// Cluster is a running store and API server.
type Cluster struct {
	server *apiserver.Server
	etcd   *embed.Etcd
	dir    string
	done   chan error
	stop   context.CancelFunc
}

// Start starts a cluster that ends with the test.
func Start(t testing.TB, c Config) *Cluster {
	t.Helper()
	if c.DataDir == "" {
		c.DataDir = t.TempDir()
	}
	cluster, err := New(c)
	if err != nil {
		t.Fatalf("starting the control plane: %v", err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Errorf("stopping the control plane: %v", err)
		}
	})
	return cluster
}

// start is how long the server may take until it is ready.
const start = 2 * time.Minute

// New starts a cluster for callers without a test, such as TestMain.
func New(c Config) (*Cluster, error) {
	if err := features.Register(utilfeature.DefaultMutableFeatureGate); err != nil {
		return nil, err
	}
	etcd, err := startEtcd(filepath.Join(c.DataDir, "etcd"), "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	config, err := newConfig(c, etcd.Clients[0].Addr().String())
	if err != nil {
		etcd.Close()
		return nil, err
	}
	// A test may name the store of another cluster.
	if !c.Addressed && config.Etcd.StorageConfig.Transport.ServerList[0] == "http://"+etcd.Clients[0].Addr().String() {
		config.EtcdClients = func() *clientv3.Client { return v3client.New(etcd.Server) }
	}
	ctx, cancel := context.WithCancel(context.Background())
	server, err := apiserver.New(ctx, config)
	if err != nil {
		cancel()
		etcd.Close()
		return nil, err
	}
	cluster := &Cluster{server: server, etcd: etcd, dir: filepath.Join(c.DataDir, "etcd"), done: make(chan error, 1), stop: cancel}
	go func() { cluster.done <- server.Run(ctx) }()
	if err := cluster.wait(); err != nil {
		return nil, errors.Join(err, cluster.Stop())
	}
	return cluster, nil
}

func (c *Cluster) wait() error {
	client := c.Client().Discovery().RESTClient()
	return wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, start, true, func(ctx context.Context) (bool, error) {
		select {
		case err := <-c.done:
			c.done <- err
			return false, fmt.Errorf("the API server ended: %w", err)
		default:
		}
		return client.Get().AbsPath("/readyz").Do(ctx).Error() == nil, nil
	})
}

// Stop ends the server and the store.
func (c *Cluster) Stop() error {
	c.stop()
	err := <-c.done
	c.etcd.Close()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// RESTConfig reaches the server as an administrator.
func (c *Cluster) RESTConfig() *rest.Config {
	config := rest.CopyConfig(c.server.LoopbackConfig())
	config.QPS = -1
	return config
}

// Client is a client of an administrator.
func (c *Cluster) Client() kubernetes.Interface { return kubernetes.NewForConfigOrDie(c.RESTConfig()) }

// Dynamic is a client for any kind, of an administrator.
func (c *Cluster) Dynamic() dynamic.Interface { return dynamic.NewForConfigOrDie(c.RESTConfig()) }

// As reaches the server as another user.
func (c *Cluster) As(user string, groups ...string) kubernetes.Interface {
	config := c.RESTConfig()
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	return kubernetes.NewForConfigOrDie(config)
}

// Etcd is the address of the store.
func (c *Cluster) Etcd() string { return "http://" + c.etcd.Clients[0].Addr().String() }

// RestartEtcd takes the store away, calls meanwhile, and brings the store back at the same address.
func (c *Cluster) RestartEtcd(meanwhile func()) error {
	address := c.etcd.Clients[0].Addr().String()
	c.etcd.Close()
	meanwhile()
	etcd, err := startEtcd(c.dir, address)
	if err == nil {
		c.etcd = etcd
	}
	return err
}

func startEtcd(dir, address string) (*embed.Etcd, error) {
	config := embed.NewConfig()
	config.Dir, config.LogLevel = dir, "error"
	// A test's data need not survive the machine.
	config.UnsafeNoFsync = true
	// A single member has nobody to wait for before it elects itself.
	config.TickMs, config.ElectionMs = 10, 100
	any := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	clients := []url.URL{{Scheme: "http", Host: address}}
	config.ListenClientUrls, config.AdvertiseClientUrls = clients, clients
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{any}, []url.URL{any}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, fmt.Errorf("starting etcd: %w", err)
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err := <-etcd.Err():
		return nil, fmt.Errorf("starting etcd: %w", err)
	}
}

// advertised is an address for documentation: endpoints may not be loopback ones, and nobody goes there.
const advertised = "192.0.2.1"

func newConfig(c Config, etcd string) (*apiserver.Config, error) {
	config := apiserver.NewConfig()
	config.Etcd.StorageConfig.Transport.ServerList = []string{"http://" + etcd}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a port: %w", err)
	}
	config.SecureServing.Listener = listener
	config.SecureServing.BindAddress = net.IPv4(127, 0, 0, 1)
	config.SecureServing.BindPort = listener.Addr().(*net.TCPAddr).Port
	config.SecureServing.ServerCert.CertDirectory = filepath.Join(c.DataDir, "certs")
	config.ServerRun.AdvertiseAddress = net.ParseIP(advertised)
	config.AllowPrivileged = true
	config.Authorization.Modes = []string{"Node", "RBAC"}
	key := filepath.Join(c.DataDir, "sa.key")
	if err := writeKey(key); err != nil {
		return nil, err
	}
	config.ServiceAccountSigningKeyFile = key
	config.Authentication.ServiceAccounts.KeyFiles = []string{key}
	config.Authentication.ServiceAccounts.Issuers = []string{"https://kubernetes.default.svc.cluster.local"}
	_, n, err := net.ParseCIDR("10.96.0.0/16")
	if err != nil {
		return nil, err
	}
	config.ServiceClusterIPRanges = []net.IPNet{*n}
	if c.Change != nil {
		c.Change(config)
	}
	return config, nil
}

func writeKey(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding a key: %w", err)
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}
