package etcd

import (
	"context"
	"slices"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

// Source makes in-process clients that outlive a restart of the member: while none runs calls wait, and when one ends its
// watches end with it. Pass it to each run's Config.
type Source struct {
	mu        sync.Mutex
	server    *etcdserver.EtcdServer
	changed   chan struct{}
	followers []*follower
}

// NewSource makes a source without a member.
func NewSource() *Source { return &Source{changed: make(chan struct{})} }

// NewClient makes a client. Only keys, watches and leases can be reached with it.
func (s *Source) NewClient() *clientv3.Client {
	c := clientv3.NewCtxClient(context.Background())
	f := &follower{source: s}
	c.KV, c.Watcher, c.Lease = (*followedKV)(f), (*followedWatcher)(f), (*followedLease)(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followers = append(s.followers, f)
	return c
}

// set changes the member. The clients of the last one are closed, which ends their watches.
func (s *Source) set(server *etcdserver.EtcdServer) {
	s.mu.Lock()
	s.server = server
	close(s.changed)
	s.changed = make(chan struct{})
	followers := slices.Clone(s.followers)
	s.mu.Unlock()
	for _, f := range followers {
		f.drop()
	}
}

func (s *Source) get() (*etcdserver.EtcdServer, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server, s.changed
}

// follower holds the client of the member that runs.
type follower struct {
	source *Source
	mu     sync.Mutex
	server *etcdserver.EtcdServer
	client *clientv3.Client
}

// current waits for a member.
func (f *follower) current(ctx context.Context) (*clientv3.Client, error) {
	for {
		server, changed := f.source.get()
		if server != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.server != server {
				f.server, f.client = server, v3client.New(server)
			}
			return f.client, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *follower) drop() {
	f.mu.Lock()
	old := f.client
	f.server, f.client = nil, nil
	f.mu.Unlock()
	if old != nil {
		// Closing waits for the member's side of the watches, and a member that failed may never answer.
		go func() { _ = old.Close() }()
	}
}

// end is the client's Close.
func (f *follower) end() {
	f.source.mu.Lock()
	f.source.followers = slices.DeleteFunc(f.source.followers, func(o *follower) bool { return o == f })
	f.source.mu.Unlock()
	f.drop()
}

type followedKV follower

func (k *followedKV) current(ctx context.Context) (*clientv3.Client, error) {
	return (*follower)(k).current(ctx)
}

func (k *followedKV) Put(ctx context.Context, key, val string, opts ...clientv3.OpOption) (*clientv3.PutResponse, error) {
	c, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	return c.KV.Put(ctx, key, val, opts...)
}

func (k *followedKV) Get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	c, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	return c.KV.Get(ctx, key, opts...)
}

func (k *followedKV) Delete(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.DeleteResponse, error) {
	c, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	return c.KV.Delete(ctx, key, opts...)
}

func (k *followedKV) Compact(ctx context.Context, rev int64, opts ...clientv3.CompactOption) (*clientv3.CompactResponse, error) {
	c, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	return c.KV.Compact(ctx, rev, opts...)
}

func (k *followedKV) Do(ctx context.Context, op clientv3.Op) (clientv3.OpResponse, error) {
	c, err := k.current(ctx)
	if err != nil {
		return clientv3.OpResponse{}, err
	}
	return c.KV.Do(ctx, op)
}

func (k *followedKV) Txn(ctx context.Context) clientv3.Txn {
	c, err := k.current(ctx)
	if err != nil {
		return failedTxn{err}
	}
	return c.KV.Txn(ctx)
}

// failedTxn is a transaction that found no member before its context ended.
type failedTxn struct{ err error }

func (t failedTxn) If(...clientv3.Cmp) clientv3.Txn        { return t }
func (t failedTxn) Then(...clientv3.Op) clientv3.Txn       { return t }
func (t failedTxn) Else(...clientv3.Op) clientv3.Txn       { return t }
func (t failedTxn) Commit() (*clientv3.TxnResponse, error) { return nil, t.err }

type followedWatcher follower

func (w *followedWatcher) Watch(ctx context.Context, key string, opts ...clientv3.OpOption) clientv3.WatchChan {
	c, err := (*follower)(w).current(ctx)
	if err != nil {
		closed := make(chan clientv3.WatchResponse)
		close(closed)
		return closed
	}
	return c.Watcher.Watch(ctx, key, opts...)
}

func (w *followedWatcher) RequestProgress(ctx context.Context) error {
	c, err := (*follower)(w).current(ctx)
	if err != nil {
		return err
	}
	return c.Watcher.RequestProgress(ctx)
}

func (w *followedWatcher) Close() error {
	(*follower)(w).end()
	return nil
}

type followedLease follower

func (l *followedLease) current(ctx context.Context) (*clientv3.Client, error) {
	return (*follower)(l).current(ctx)
}

func (l *followedLease) Grant(ctx context.Context, ttl int64) (*clientv3.LeaseGrantResponse, error) {
	c, err := l.current(ctx)
	if err != nil {
		return nil, err
	}
	return c.Lease.Grant(ctx, ttl)
}

func (l *followedLease) Revoke(ctx context.Context, id clientv3.LeaseID) (*clientv3.LeaseRevokeResponse, error) {
	c, err := l.current(ctx)
	if err != nil {
		return nil, err
	}
	return c.Lease.Revoke(ctx, id)
}

func (l *followedLease) TimeToLive(ctx context.Context, id clientv3.LeaseID, opts ...clientv3.LeaseOption) (*clientv3.LeaseTimeToLiveResponse, error) {
	c, err := l.current(ctx)
	if err != nil {
		return nil, err
	}
	return c.Lease.TimeToLive(ctx, id, opts...)
}

func (l *followedLease) Leases(ctx context.Context) (*clientv3.LeaseLeasesResponse, error) {
	c, err := l.current(ctx)
	if err != nil {
		return nil, err
	}
	return c.Lease.Leases(ctx)
}

func (l *followedLease) KeepAlive(ctx context.Context, id clientv3.LeaseID) (<-chan *clientv3.LeaseKeepAliveResponse, error) {
	c, err := l.current(ctx)
	if err != nil {
		return nil, err
	}
	return c.Lease.KeepAlive(ctx, id)
}

func (l *followedLease) KeepAliveOnce(ctx context.Context, id clientv3.LeaseID) (*clientv3.LeaseKeepAliveResponse, error) {
	c, err := l.current(ctx)
	if err != nil {
		return nil, err
	}
	return c.Lease.KeepAliveOnce(ctx, id)
}

// Close does nothing: closing the watches has ended the follower.
func (l *followedLease) Close() error { return nil }
