package etcdstore

import (
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	etcdkubernetes "go.etcd.io/etcd/client/v3/kubernetes"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericfeatures "k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
	"k8s.io/apiserver/pkg/storage/etcd3"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
)

// Store opens the storage of resources.
type Store struct {
	clients Clients
}

// Clients leads to the stores.
type Clients interface {
	// Open makes a client; each resource takes its own, as watches of one client share their progress. Old revisions are dropped after the
	// interval, never when it is zero.
	Open(store storagebackend.TransportConfig, compactionInterval time.Duration) (*Client, error)
}

// Client is one of a store.
type Client struct {
	*clientv3.Client
	// Compactor is what drops the store's old revisions; nil where nothing does.
	Compactor etcd3.Compactor
	// Release is called when the client is not needed any more.
	Release func()
}

// New makes a store of clients.
func New(clients Clients) *Store { return &Store{clients} }

// Caching tells of which resources a watch cache is kept, and of which of them the registry changes what it has read, so that
// nothing of the cache may be shared with it.
type Caching struct {
	Kept, Changed func(schema.GroupResource) bool
	// Beginnings shares what watches of a cache begin with; nil shares nothing.
	Beginnings Beginnings
}

// Beginnings is a watch cache whose watches share what they begin with.
type Beginnings func(resource schema.GroupResource, prefix string, newObject, newList func() runtime.Object, cache storage.Interface) storage.Interface

// Getter is inner with storage from this store.
func (s *Store) Getter(inner generic.RESTOptionsGetter, caching Caching) generic.RESTOptionsGetter {
	return getter{inner: inner, store: s, caching: caching}
}

type getter struct {
	inner   generic.RESTOptionsGetter
	store   *Store
	caching Caching
}

func (g getter) GetRESTOptions(resource schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	opts, err := g.inner.GetRESTOptions(resource, example)
	if err != nil {
		return opts, err
	}
	opts.Decorator = g.store.plain
	if g.caching.Kept(resource) {
		opts.Decorator = g.store.cached(!g.caching.Changed(resource), g.caching.Beginnings)
	}
	return opts, nil
}

// Raw opens storage without a watch cache.
func (s *Store) Raw(c *storagebackend.ConfigForResource, newFunc, newListFunc func() runtime.Object, prefix string) (storage.Interface, factory.DestroyFunc, error) {
	raw, _, destroy, err := s.open(c, newFunc, newListFunc, prefix)
	return raw, destroy, err
}

// open returns storage, and the client that it has.
func (s *Store) open(c *storagebackend.ConfigForResource, newFunc, newListFunc func() runtime.Object, prefix string) (storage.Interface, clientv3.KV, factory.DestroyFunc, error) {
	opened, err := s.clients.Open(c.Transport, c.CompactionInterval)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("opening the storage of %v: %w", c.GroupResource, err)
	}
	client := &etcdkubernetes.Client{Client: opened.Client}
	client.KV = etcd3.NewETCDLatencyTracker(client.KV)
	client.Kubernetes = client
	transformer := c.Transformer
	if transformer == nil {
		transformer = identity.NewEncryptCheckTransformer()
	}
	versioner := storage.APIObjectVersioner{}
	decoder := etcd3.NewDefaultDecoder(c.Codec, versioner)
	unsafe := utilfeature.DefaultFeatureGate.Enabled(genericfeatures.AllowUnsafeMalformedObjectDeletion)
	if unsafe {
		transformer = etcd3.WithCorruptObjErrorHandlingTransformer(transformer)
		decoder = etcd3.WithCorruptObjErrorHandlingDecoder(decoder)
	}
	store, err := etcd3.New(client, opened.Compactor, c.Codec, newFunc, newListFunc, c.Prefix, prefix, c.GroupResource, transformer,
		c.LeaseManagerConfig, decoder, versioner)
	if err != nil {
		opened.Release()
		return nil, nil, nil, fmt.Errorf("opening the storage of %v: %w", c.GroupResource, err)
	}
	// Subresources share a store, and each of them ends it.
	destroy := sync.OnceFunc(func() {
		store.Close()
		opened.Release()
	})
	if unsafe {
		return etcd3.NewStoreWithUnsafeCorruptObjectDeletion(store, c.GroupResource), client.KV, destroy, nil
	}
	return store, client.KV, destroy, nil
}

func (s *Store) plain(c *storagebackend.ConfigForResource, prefix string, _ func(runtime.Object) (string, error), newFunc, newListFunc func() runtime.Object,
	_ storage.AttrFunc, _ storage.IndexerFuncs, _ *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
	return s.Raw(c, newFunc, newListFunc, prefix)
}

// cached opens storage with a watch cache; shared tells whether requests may be shown what is in it.
func (s *Store) cached(shared bool, beginnings Beginnings) generic.StorageDecorator {
	return func(c *storagebackend.ConfigForResource, prefix string, key func(runtime.Object) (string, error), newFunc, newListFunc func() runtime.Object,
		attributes storage.AttrFunc, triggers storage.IndexerFuncs, indexers *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
		raw, client, destroyRaw, err := s.open(c, newFunc, newListFunc, prefix)
		if err != nil {
			return nil, nil, err
		}
		bookmarks := &bookmarkClock{WithTicker: clock.RealClock{}}
		watched, err := cacher.NewCacherFromConfig(cacher.Config{
			Storage: raw, Versioner: storage.APIObjectVersioner{}, GroupResource: c.GroupResource, EventsHistoryWindow: c.EventsHistoryWindow,
			ResourcePrefix: prefix, KeyFunc: key, NewFunc: newFunc, NewListFunc: newListFunc, GetAttrsFunc: attributes,
			IndexerFuncs: triggers, Indexers: indexers, Codec: c.Codec, Clock: bookmarks,
		})
		if err != nil {
			destroyRaw()
			return nil, nil, fmt.Errorf("opening the watch cache of %v: %w", c.GroupResource, err)
		}
		delegator := cacher.NewCacheDelegator(watched, raw)
		opened := storage.Interface(followed{Interface: delegator, clock: bookmarks})
		if shared && beginnings != nil {
			opened = beginnings(c.GroupResource, prefix, newFunc, newListFunc, opened)
		}
		opened = newFeeds(opened)
		// What is encrypted is read each time: its key may have been taken away.
		if shared && c.Transformer == nil {
			opened = current{Interface: opened, cache: watched, store: client, root: c.Prefix, resource: c.GroupResource}
		}
		return opened, sync.OnceFunc(func() {
			delegator.Stop()
			watched.Stop()
			destroyRaw()
		}), nil
	}
}
