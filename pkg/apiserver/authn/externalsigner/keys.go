package externalsigner

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	externaljwt "k8s.io/externaljwt/apis/v1"

	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
)

// keySet is one answer of the signer.
type keySet struct {
	all, published []serviceaccount.Key
	refresh        time.Duration
	// known tells whether a key is published, by its identifier.
	known map[string]bool
}

// maxKeyID is the longest identifier of a key.
const maxKeyID = 1024

func newKeySet(r *externaljwt.FetchKeysResponse) (*keySet, error) {
	set := &keySet{refresh: time.Duration(r.GetRefreshHintSeconds()) * time.Second, known: map[string]bool{}}
	if len(r.GetKeys()) == 0 {
		return nil, errors.New("it has no keys")
	}
	if set.refresh <= 0 {
		return nil, fmt.Errorf("its refresh hint of %d seconds is not positive", r.GetRefreshHintSeconds())
	}
	if r.GetDataTimestamp() == nil {
		return nil, errors.New("it does not say of when its keys are")
	}
	for _, k := range r.GetKeys() {
		id := k.GetKeyId()
		if id == "" || len(id) > maxKeyID {
			return nil, fmt.Errorf("the identifier %q of a key is empty or longer than %d", id, maxKeyID)
		}
		if _, twice := set.known[id]; twice {
			return nil, fmt.Errorf("two keys have the identifier %q", id)
		}
		public, err := x509.ParsePKIXPublicKey(k.GetKey())
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", id, err)
		}
		key, err := serviceaccount.NewKey(id, public)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", id, err)
		}
		set.known[id] = !k.GetExcludeFromOidcDiscovery()
		set.all = append(set.all, key)
		if set.known[id] {
			set.published = append(set.published, key)
		}
	}
	return set, nil
}

// fetch asks for the keys. The caller holds fetching, or is alone.
func (s *Signer) fetch(ctx context.Context) error {
	r, err := s.client.FetchKeys(ctx, &externaljwt.FetchKeysRequest{})
	if err == nil {
		var set *keySet
		if set, err = newKeySet(r); err == nil {
			s.keys.Store(set)
			fetchedAt.WithLabelValues().Set(float64(s.clock.Now().Unix()))
			dataFrom.WithLabelValues().Set(float64(r.GetDataTimestamp().AsTime().Unix()))
			return nil
		}
	}
	return fmt.Errorf("fetching keys: %w", err)
}

// refreshOnce fetches unless somebody else did since the caller saw the set.
func (s *Signer) refreshOnce(ctx context.Context, seen *keySet) {
	s.fetching.Lock()
	current := s.keys.Load() != seen
	s.fetching.Unlock()
	if !current {
		_ = s.fetchLogged(ctx)
	}
}

// Find implements serviceaccount.KeySource.
func (s *Signer) Find(ctx context.Context, id string) []serviceaccount.Key {
	seen := s.keys.Load()
	if found := serviceaccount.Select(seen.all, id); len(found) > 0 {
		return found
	}
	s.refreshOnce(ctx, seen)
	return serviceaccount.Select(s.keys.Load().all, id)
}

// Published implements serviceaccount.KeySource.
func (s *Signer) Published() ([]serviceaccount.Key, time.Duration) {
	set := s.keys.Load()
	return set.published, set.refresh
}
