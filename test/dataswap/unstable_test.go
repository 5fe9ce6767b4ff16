package dataswap

import "testing"

// withUnstable is data of servers that serve alpha and beta versions, too, with objects of all kinds that have no other and need no gate.
func withUnstable(t *testing.T, args ...string) *data {
	t.Helper()
	d := newData(t, append(args, "--runtime-config=api/all=true")...)
	d.more = []string{"../../staging/src/tiphys.dev/apirules/testdata/unstable/kinds.yaml"}
	return d
}

// In these every object is read, watched and updated in each version it has.

func TestOursServesUnstableVersionsUpstreamWrote(t *testing.T) { swap(withUnstable(t), upstream, ours) }

func TestUpstreamServesUnstableVersionsOursWrote(t *testing.T) { swap(withUnstable(t), ours, upstream) }

func TestStoresOfUnstableVersionsAreAlike(t *testing.T) { storesAreAlike(t, withUnstable) }
