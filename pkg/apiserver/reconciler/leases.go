package reconciler

import (
	"context"
	"fmt"
	"path"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
)

// storedLeases keeps one small object for each server in the store, which ends by itself.
type storedLeases struct{ store storage.Interface }

const (
	leaseRoot = "/masterleases"
	// leaseSeconds is how long a server counts as living after its last sign.
	leaseSeconds = 15
)

// NewLeases keeps the leases in the store of the given configuration, which is that of endpoints. destroy ends the
// connection.
func NewLeases(config *storagebackend.ConfigForResource) (leases Leases, destroy func(), err error) {
	store, destroyStore, err := generic.NewRawStorage(config, func() runtime.Object { return &v1.Endpoints{} }, func() runtime.Object { return &v1.EndpointsList{} }, leaseRoot)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the store of server leases: %w", err)
	}
	return &storedLeases{store}, destroyStore, nil
}

func (l *storedLeases) Renew(ctx context.Context, address string) error {
	return l.store.GuaranteedUpdate(ctx, path.Join(leaseRoot, address), &v1.Endpoints{}, true, nil,
		func(input runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
			e := input.(*v1.Endpoints)
			e.Subsets = []v1.EndpointSubset{{Addresses: []v1.EndpointAddress{{IP: address}}}}
			// Without a change the store would not write, and the lease would end.
			e.Generation++
			ttl := uint64(leaseSeconds)
			return e, &ttl, nil
		}, nil)
}

func (l *storedLeases) List(ctx context.Context) ([]string, error) {
	var list v1.EndpointsList
	opts := storage.ListOptions{ResourceVersion: "", Predicate: storage.Everything, Recursive: true}
	if err := l.store.GetList(ctx, leaseRoot, opts, &list); err != nil {
		return nil, err
	}
	var out []string
	for _, e := range list.Items {
		if len(e.Subsets) > 0 && len(e.Subsets[0].Addresses) > 0 {
			out = append(out, e.Subsets[0].Addresses[0].IP)
		}
	}
	return out, nil
}

func (l *storedLeases) Remove(ctx context.Context, address string) error {
	err := l.store.Delete(ctx, path.Join(leaseRoot, address), &v1.Endpoints{}, nil, func(context.Context, runtime.Object) error { return nil }, nil, storage.DeleteOptions{})
	if storage.IsNotFound(err) {
		return nil
	}
	return err
}
