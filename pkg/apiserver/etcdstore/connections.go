package etcdstore

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/logutil"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"k8s.io/apiserver/pkg/server/egressselector"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/etcd3"
	"k8s.io/apiserver/pkg/storage/feature"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/component-base/tracing"
)

const (
	// connectWithin is how long a server may take to answer at first; it is generous, as a small machine needs time for TLS.
	connectWithin = 20 * time.Second
	// aliveEvery and aliveWithin find a server that has gone without a word.
	aliveEvery  = 30 * time.Second
	aliveWithin = 10 * time.Second
)

// Connections are those to the stores of one API server. A connection is closed with the last of its clients, since a server that ends
// needs the store for its last requests.
type Connections struct {
	// traced tells whether requests are to be in traces: to prepare for them costs, even if nobody collects them.
	traced bool
	// dial makes a client, after the store has answered for the first time.
	dial func(clientv3.Config) (*clientv3.Client, error)
	log  *zap.Logger

	mu   sync.Mutex
	open map[string]*connection
}

// connection is shared by the clients of a store. base, kv and err are there once opened is closed, which takes as long as the store
// likes: no lock is held meanwhile, so that others open stores that answer.
type connection struct {
	opened chan struct{}
	err    error
	base   *clientv3.Client
	kv     clientv3.KV
	users  int
	// stopCompactor ends what drops old revisions, if anything does.
	compactor     etcd3.Compactor
	stopCompactor func()
}

// NewConnections returns connections, none of which is open yet.
func NewConnections(traced bool) *Connections {
	// What the client has to tell, such as requests that it sends again, is in the form of etcd's own log, as it is upstream.
	log, err := logutil.CreateDefaultZapLogger(zap.InfoLevel)
	if err != nil {
		log = zap.NewNop()
	}
	return &Connections{traced: traced, dial: clientv3.New, log: log.Named("etcd-client"), open: map[string]*connection{}}
}

// Open makes a client of the store, after it has answered for the first time.
func (c *Connections) Open(store storagebackend.TransportConfig, compactionInterval time.Duration) (*Client, error) {
	key := strings.Join(append([]string{store.CertFile, store.KeyFile, store.TrustedCAFile}, store.ServerList...), "\x00")
	conn, err := c.share(key, store)
	if err != nil {
		return nil, fmt.Errorf("connecting to etcd at %s: %w", strings.Join(store.ServerList, ", "), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.compactor == nil && compactionInterval > 0 {
		compactor := etcd3.StartCompactorPerEndpoint(conn.base, compactionInterval)
		conn.compactor, conn.stopCompactor = compactor, compactor.Stop
	}
	client := clientv3.NewCtxClient(context.Background())
	client.KV, client.Maintenance = conn.kv, conn.base.Maintenance
	client.Watcher, client.Lease = clientv3.NewWatcher(conn.base), clientv3.NewLease(conn.base)
	return &Client{Client: client, Compactor: conn.compactor, Release: sync.OnceFunc(func() {
		_ = client.Close()
		c.release(key, conn)
	})}, nil
}

// share is the open connection of a store, with one more user. Who comes first opens it, the others wait for that; one that fails is
// forgotten, and the next to come tries again.
func (c *Connections) share(key string, store storagebackend.TransportConfig) (*connection, error) {
	c.mu.Lock()
	conn := c.open[key]
	opens := conn == nil
	if opens {
		conn = &connection{opened: make(chan struct{})}
		c.open[key] = conn
	}
	conn.users++
	c.mu.Unlock()
	if opens {
		if conn.err = c.connect(conn, store); conn.err != nil {
			c.mu.Lock()
			delete(c.open, key)
			c.mu.Unlock()
		}
		close(conn.opened)
	}
	<-conn.opened
	return conn, conn.err
}

func (c *Connections) release(key string, conn *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.users--; conn.users > 0 {
		return
	}
	delete(c.open, key)
	if conn.stopCompactor != nil {
		conn.stopCompactor()
	}
	_ = conn.base.Close()
}

func (c *Connections) connect(conn *connection, store storagebackend.TransportConfig) error {
	config, err := c.config(store)
	if err != nil {
		return err
	}
	if conn.base, err = c.dial(config); err != nil {
		return err
	}
	conn.kv = &gets{KV: conn.base.KV}
	feature.DefaultFeatureSupportChecker.CheckClient(conn.base.Ctx(), conn.base, storage.RequestWatchProgress)
	return nil
}

func (c *Connections) config(store storagebackend.TransportConfig) (clientv3.Config, error) {
	config := clientv3.Config{
		Endpoints: store.ServerList, DialTimeout: connectWithin, DialKeepAliveTime: aliveEvery, DialKeepAliveTimeout: aliveWithin,
		DialOptions: []grpc.DialOption{grpc.WithBlock()}, Logger: c.log,
	}
	if m := clientMetrics(); m != nil {
		config.DialOptions = append(config.DialOptions,
			grpc.WithChainUnaryInterceptor(m.UnaryClientInterceptor()), grpc.WithChainStreamInterceptor(m.StreamClientInterceptor()))
	}
	if store.CertFile != "" || store.KeyFile != "" || store.TrustedCAFile != "" {
		info := transport.TLSInfo{CertFile: store.CertFile, KeyFile: store.KeyFile, TrustedCAFile: store.TrustedCAFile}
		var err error
		if config.TLS, err = info.ClientConfig(); err != nil {
			return config, fmt.Errorf("reading the client's certificate: %w", err)
		}
	}
	if c.traced {
		config.DialOptions = append(config.DialOptions, grpc.WithStatsHandler(otelgrpc.NewClientHandler(
			otelgrpc.WithMessageEvents(otelgrpc.ReceivedEvents, otelgrpc.SentEvents),
			otelgrpc.WithPropagators(tracing.Propagators()), otelgrpc.WithTracerProvider(store.TracerProvider))))
	}
	if store.EgressLookup == nil {
		return config, nil
	}
	dial, err := store.EgressLookup(egressselector.Etcd.AsNetworkContext())
	if err != nil {
		return config, fmt.Errorf("looking up the egress to etcd: %w", err)
	}
	if dial != nil {
		config.DialOptions = append(config.DialOptions, grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			if u, err := url.Parse(address); err == nil && u.Host != "" {
				address = u.Host
			}
			return dial(ctx, "tcp", address)
		}))
	}
	return config, nil
}
