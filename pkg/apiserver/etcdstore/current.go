package etcdstore

import (
	"context"
	"path"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/etcd3/metrics"

	"tiphys.dev/tiphys/pkg/apiserver/stack"
)

// current is a watch cache that answers requests for the present state of one object from what it holds, once the store has
// said that this is the present state: of a few bytes, where the object would have to be sent, decrypted and decoded.
type current struct {
	storage.Interface
	cache held
	// store has the objects under their keys below root.
	store    clientv3.KV
	root     string
	resource schema.GroupResource
}

// held is what a watch cache holds.
type held interface {
	Ready() bool
	Get(ctx context.Context, key string, opts storage.GetOptions, into runtime.Object) error
}

// Get reads an object.
func (c current) Get(ctx context.Context, key string, opts storage.GetOptions, into runtime.Object) error {
	if opts.ResourceVersion == "" && readOnly(ctx) && c.cache.Ready() {
		if c.fromCache(ctx, key, into) {
			return nil
		}
		if err := runtime.SetZeroValue(into); err != nil {
			return err
		}
	}
	return c.Interface.Get(ctx, key, opts, into)
}

// fromCache reads what the cache holds, and tells whether it is the present state.
func (c current) fromCache(ctx context.Context, key string, into runtime.Object) bool {
	if err := c.cache.Get(ctx, key, storage.GetOptions{ResourceVersion: "0"}, into); err != nil {
		return false
	}
	object, err := meta.Accessor(into)
	if err != nil {
		return false
	}
	start := time.Now()
	found, err := c.store.Get(ctx, path.Join("/", c.root, key), clientv3.WithKeysOnly())
	metrics.RecordEtcdRequest("get", c.resource, err, start)
	return err == nil && len(found.Kvs) == 1 && strconv.FormatInt(found.Kvs[0].ModRevision, 10) == object.GetResourceVersion()
}

// readOnly tells that the request only shows an object: what comes out of the cache shares what it points to with others.
func readOnly(ctx context.Context) bool {
	info, ok := request.RequestInfoFrom(ctx)
	return ok && info.IsResourceRequest && info.Verb == "get" && info.Subresource == ""
}

// GuaranteedUpdate is the cache's. A change runs in a goroutine of its own, and this is early in it.
func (c current) GuaranteedUpdate(ctx context.Context, key string, into runtime.Object, ignoreNotFound bool, preconditions *storage.Preconditions,
	update storage.UpdateFunc, cached runtime.Object) error {
	stack.Deep()
	return c.Interface.GuaranteedUpdate(ctx, key, into, ignoreNotFound, preconditions, update, cached)
}
