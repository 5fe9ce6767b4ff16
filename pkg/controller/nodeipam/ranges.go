package nodeipam

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"sync"
)

// ranges cuts one cluster range into blocks of equal size and remembers which are taken. Block numbers are found from where
// the last search ended, so that a block rests before it is used again.
type ranges struct {
	cluster netip.Prefix
	bits    int // of a block
	count   int

	mu    sync.Mutex
	taken map[int]int // block number to how many nodes use it
	next  int
}

// errFull says that every block is taken.
var errFull = errors.New("no pod address range is left in the cluster's")

// maxBlocks bounds what is counted of a huge IPv6 range.
const maxBlocks = 1 << 16

func newRanges(cluster netip.Prefix, bits int) (*ranges, error) {
	cluster = cluster.Masked()
	if bits < cluster.Bits() || bits > cluster.Addr().BitLen() {
		return nil, fmt.Errorf("a node mask of /%d does not fit into %s", bits, cluster)
	}
	return &ranges{cluster: cluster, bits: bits, count: min(maxBlocks, 1<<min(bits-cluster.Bits(), 30)), taken: map[int]int{}}, nil
}

// reserve marks the blocks that a node uses already.
func (r *ranges) reserve(p netip.Prefix, delta int) {
	n, ok := r.number(p)
	if !ok {
		return // of another cluster range: it takes nothing from this one
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken[n] += delta; r.taken[n] <= 0 {
		delete(r.taken, n)
	}
}

// take returns a free block and marks it.
func (r *ranges) take() (netip.Prefix, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range r.count {
		n := r.next
		r.next = (r.next + 1) % r.count
		if r.taken[n] == 0 {
			r.taken[n] = 1
			return r.block(n), nil
		}
	}
	return netip.Prefix{}, errFull
}

func (r *ranges) block(n int) netip.Prefix {
	base := new(big.Int).SetBytes(r.cluster.Addr().AsSlice())
	base.Add(base, new(big.Int).Lsh(big.NewInt(int64(n)), uint(r.cluster.Addr().BitLen()-r.bits)))
	addr, _ := netip.AddrFromSlice(base.FillBytes(make([]byte, r.cluster.Addr().BitLen()/8)))
	return netip.PrefixFrom(addr, r.bits)
}

func (r *ranges) number(p netip.Prefix) (int, bool) {
	if p.Bits() != r.bits || !r.cluster.Contains(p.Addr()) {
		return 0, false
	}
	base := new(big.Int).SetBytes(r.cluster.Addr().AsSlice())
	offset := new(big.Int).Sub(new(big.Int).SetBytes(p.Addr().AsSlice()), base)
	offset.Rsh(offset, uint(r.cluster.Addr().BitLen()-r.bits))
	if !offset.IsInt64() || offset.Int64() >= int64(r.count) {
		return 0, false
	}
	return int(offset.Int64()), true
}
