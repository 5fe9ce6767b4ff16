package sharedlist

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

// Decorate shares the lists of the storage that inner opens.
func (l *Lists) Decorate(inner generic.StorageDecorator) generic.StorageDecorator {
	return func(c *storagebackend.ConfigForResource, prefix string, key func(runtime.Object) (string, error), newFunc, newListFunc func() runtime.Object,
		attributes storage.AttrFunc, triggers storage.IndexerFuncs, indexers *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
		opened, destroy, err := inner(c, prefix, key, newFunc, newListFunc, attributes, triggers, indexers)
		if err != nil {
			return nil, nil, err
		}
		return &shared{source{Interface: opened, lists: l, resource: c.GroupResource.String(), prefix: prefix, newList: newListFunc}}, destroy, nil
	}
}

// shared is the storage of one resource with shared lists.
type shared struct{ source }

// GetList lists from the cache, with others if it can.
func (s *shared) GetList(ctx context.Context, key string, opts storage.ListOptions, into runtime.Object) error {
	r := requestOf(ctx)
	// Callers in this process may change what they get.
	if r == nil || !sharable(opts) {
		return s.Interface.GetList(ctx, key, opts, into)
	}
	q := s.question(key, opts)
	if !s.worthwhile(q) {
		return s.list(ctx, q, opts, into)
	}
	a, err := s.answer(ctx, q, opts)
	if err != nil {
		return err
	}
	if a.list == nil || reflect.TypeOf(a.list) != reflect.TypeOf(into) {
		return s.Interface.GetList(ctx, key, opts, into)
	}
	// The kind and the revision are the request's own, the items are shared: nobody changes them.
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(a.list).Elem())
	if a.encoded != nil {
		r.use(a, into)
	}
	return nil
}

// source makes answers of one resource.
type source struct {
	storage.Interface
	lists            *Lists
	resource, prefix string
	newList          func() runtime.Object
}

func (s *source) question(key string, opts storage.ListOptions) question {
	return question{s.resource, key, text(opts.Predicate.Label), text(opts.Predicate.Field)}
}

// worthwhile tells whether a list may be large. Selections are many and mostly small: the first of its kind shows.
func (s *source) worthwhile(q question) bool {
	size, known := s.lists.sizes.Get(q)
	if !known {
		return q.labels == "" && q.fields == ""
	}
	return size.(int) >= minItems
}

// answer is at least as new as the options demand.
func (s *source) answer(ctx context.Context, q question, opts storage.ListOptions) (*answer, error) {
	version, err := s.version(ctx, opts)
	if err != nil {
		return nil, err
	}
	if a := s.lists.find(q, version); a != nil {
		return a, nil
	}
	return s.make(ctx, q, version, opts)
}

// list is a list for this request alone; it only remembers its size.
func (s *source) list(ctx context.Context, q question, opts storage.ListOptions, into runtime.Object) error {
	if err := s.Interface.GetList(ctx, q.key, opts, into); err != nil {
		return err
	}
	s.lists.sizes.Add(q, meta.LenList(into))
	return nil
}

// sharable tells whether the answer is all that matches at the newest revision known, or at the newest at all.
func sharable(o storage.ListOptions) bool {
	p := o.Predicate
	// With version 0 there is no limit, whatever the request says.
	return o.Recursive && p.Continue == "" && (p.Limit == 0 || o.ResourceVersion == "0") && p.ShardSelector == nil &&
		(o.ResourceVersionMatch == "" || o.ResourceVersionMatch == metav1.ResourceVersionMatchNotOlderThan)
}

// version is the revision that an answer would have now: that of a list of a namespace that nobody can make.
func (s *source) version(ctx context.Context, opts storage.ListOptions) (string, error) {
	empty := s.newList()
	nowhere := strings.TrimSuffix(s.prefix, "/") + "/~"
	ask := storage.ListOptions{ResourceVersion: opts.ResourceVersion, ResourceVersionMatch: opts.ResourceVersionMatch, Predicate: storage.Everything, Recursive: true}
	if err := s.Interface.GetList(ctx, nowhere, ask, empty); err != nil {
		return "", err
	}
	list, err := meta.ListAccessor(empty)
	if err != nil {
		return "", fmt.Errorf("reading the revision of %s: %w", s.resource, err)
	}
	return list.GetResourceVersion(), nil
}

// make lists anew, once for all who need this revision at this time. It goes on when the request that happens to do it is given up.
func (s *source) make(ctx context.Context, q question, version string, opts storage.ListOptions) (*answer, error) {
	key := strings.Join([]string{q.resource, q.key, q.labels, q.fields, version}, "\x00")
	result := s.lists.running.DoChan(key, func() (any, error) {
		// The last one may have ended since the caller looked.
		if a := s.lists.find(q, version); a != nil {
			return a, nil
		}
		ctx := context.WithoutCancel(ctx)
		atLeast := opts
		if atLeast.ResourceVersion == "" {
			// The revision was the newest when the request came; the cache has it, so there is no need to ask the store again.
			atLeast.ResourceVersion, atLeast.ResourceVersionMatch = version, metav1.ResourceVersionMatchNotOlderThan
		}
		list := s.newList()
		err := s.list(ctx, q, atLeast, list)
		if storage.IsTooLargeResourceVersion(err) {
			// The revision came from the store, as there is no cache yet, or a slow one.
			list = s.newList()
			err = s.list(ctx, q, opts, list)
		}
		if err != nil {
			return nil, err
		}
		header, err := meta.ListAccessor(list)
		if err != nil {
			return nil, err
		}
		if header.GetContinue() != "" {
			// Without a cache a limit holds also where the API would not demand it: each request for itself.
			return &answer{}, nil
		}
		if meta.LenList(list) < minItems {
			return &answer{list: list}, nil
		}
		return s.lists.keep(q, list, header.GetResourceVersion()), nil
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*answer), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// text of a selector.
func text(s fmt.Stringer) string {
	if s == nil {
		return ""
	}
	return s.String()
}
