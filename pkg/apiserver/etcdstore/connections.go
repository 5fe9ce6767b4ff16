package etcdstore

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

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

	mu   sync.Mutex
	open map[string]*connection
}

// connection is shared by the clients of a store.
type connection struct {
	base  *clientv3.Client
	kv    clientv3.KV
	users int
	// stopCompactor ends what drops old revisions, if anything does.
	compactor     etcd3.Compactor
	stopCompactor func()
}

// NewConnections returns connections, none of which is open yet.
func NewConnections(traced bool) *Connections {
	return &Connections{traced: traced, open: map[string]*connection{}}
}

// Open makes a client of the store, after it has answered for the first time.
func (c *Connections) Open(store storagebackend.TransportConfig, compactionInterval time.Duration) (*Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := strings.Join(append([]string{store.CertFile, store.KeyFile, store.TrustedCAFile}, store.ServerList...), "\x00")
	conn := c.open[key]
	if conn == nil {
		var err error
		if conn, err = c.connect(store); err != nil {
			return nil, fmt.Errorf("connecting to etcd at %s: %w", strings.Join(store.ServerList, ", "), err)
		}
		c.open[key] = conn
	}
	if conn.compactor == nil && compactionInterval > 0 {
		compactor := etcd3.StartCompactorPerEndpoint(conn.base, compactionInterval)
		conn.compactor, conn.stopCompactor = compactor, compactor.Stop
	}
	conn.users++
	client := clientv3.NewCtxClient(context.Background())
	client.KV, client.Maintenance = conn.kv, conn.base.Maintenance
	client.Watcher, client.Lease = clientv3.NewWatcher(conn.base), clientv3.NewLease(conn.base)
	return &Client{Client: client, Compactor: conn.compactor, Release: sync.OnceFunc(func() {
		_ = client.Close()
		c.release(key, conn)
	})}, nil
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

func (c *Connections) connect(store storagebackend.TransportConfig) (*connection, error) {
	config, err := c.config(store)
	if err != nil {
		return nil, err
	}
	base, err := clientv3.New(config)
	if err != nil {
		return nil, err
	}
	feature.DefaultFeatureSupportChecker.CheckClient(base.Ctx(), base, storage.RequestWatchProgress)
	return &connection{base: base, kv: &gets{KV: base.KV}}, nil
}

func (c *Connections) config(store storagebackend.TransportConfig) (clientv3.Config, error) {
	config := clientv3.Config{
		Endpoints: store.ServerList, DialTimeout: connectWithin, DialKeepAliveTime: aliveEvery, DialKeepAliveTimeout: aliveWithin,
		DialOptions: []grpc.DialOption{grpc.WithBlock()}, Logger: zap.NewNop(),
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
