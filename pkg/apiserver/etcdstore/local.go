package etcdstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/version"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/etcd3"
	"k8s.io/apiserver/pkg/storage/feature"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/utils/clock"
)

// Local leads to a store in this process.
type Local struct {
	clients func() *clientv3.Client
	// health is the client of Check.
	health    func() *clientv3.Client
	compactor etcd3.Compactor
}

// NewLocal takes clients of the store. Old revisions are dropped after the interval, never when it is zero. ctx ends that.
func NewLocal(ctx context.Context, clients func() *clientv3.Client, compactionInterval time.Duration) *Local {
	l := &Local{clients: clients, health: sync.OnceValue(func() *clientv3.Client {
		client := clients()
		context.AfterFunc(ctx, func() { _ = client.Close() })
		return client
	})}
	// The store is linked into this program, so what it can do is known.
	feature.DefaultFeatureSupportChecker.CheckClient(ctx, linked{}, storage.RequestWatchProgress)
	if compactionInterval > 0 {
		client := clients()
		compactor := etcd3.NewCompactor(client, compactionInterval, clock.RealClock{}, func() {})
		l.compactor = compactor
		context.AfterFunc(ctx, func() {
			compactor.Stop()
			_ = client.Close()
		})
	}
	return l
}

// Open makes a client; there is one store only.
func (l *Local) Open(storagebackend.TransportConfig, time.Duration) (*Client, error) {
	client := l.clients()
	return &Client{Client: client, Compactor: l.compactor, Release: func() { _ = client.Close() }}, nil
}

// Check tells whether the store answers: it is ready, and healthy.
func (l *Local) Check(ctx context.Context) error {
	// The key that etcd's own check reads; it need not exist.
	if _, err := l.health().Get(ctx, "health"); err != nil {
		return fmt.Errorf("reading from the store: %w", err)
	}
	return nil
}

// linked answers what the published feature check asks a store.
type linked struct{}

func (linked) Endpoints() []string { return []string{"in-process"} }

func (linked) Status(context.Context, string) (*clientv3.StatusResponse, error) {
	return &clientv3.StatusResponse{Version: version.Version}, nil
}
