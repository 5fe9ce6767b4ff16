package portalloc

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
)

// The errors of Take and Next.
var (
	ErrAllocated  = errors.New("provided port is already allocated")
	ErrFull       = errors.New("range is full")
	errNotInRange = errors.New("provided port is not in the valid range")
)

const (
	root = "/ranges"
	key  = root + "/servicenodeports"
)

// Allocator gives out ports.
type Allocator struct {
	store storage.Interface
	ports utilnet.PortRange
}

// New makes an allocator for the range.
func New(getter generic.RESTOptionsGetter, ports utilnet.PortRange) (*Allocator, error) {
	opts, err := getter.GetRESTOptions(corev1.Resource("servicenodeportallocations"), &corev1.RangeAllocation{})
	if err != nil {
		return nil, fmt.Errorf("storage of node ports: %w", err)
	}
	store, _, err := generic.NewRawStorage(opts.StorageConfig, func() runtime.Object { return &corev1.RangeAllocation{} }, nil, root)
	if err != nil {
		return nil, fmt.Errorf("storage of node ports: %w", err)
	}
	return &Allocator{store: store, ports: ports}, nil
}

// Take takes the port. A dry one only looks.
func (a *Allocator) Take(ctx context.Context, port int, dry bool) error {
	if !a.ports.Contains(port) {
		if dry {
			return nil // the server tells the range only to those who really take one
		}
		return fmt.Errorf("%w. The range of valid ports is %s", errNotInRange, a.ports.String())
	}
	err := a.change(ctx, dry, func(used *big.Int) error {
		if used.Bit(port-a.ports.Base) == 1 {
			return ErrAllocated
		}
		used.SetBit(used, port-a.ports.Base, 1)
		return nil
	})
	if dry {
		return err
	}
	return noted("static", err)
}

// Next takes a port of the server's choice.
func (a *Allocator) Next(ctx context.Context, dry bool) (int, error) {
	var port int
	err := a.change(ctx, dry, func(used *big.Int) error {
		band := a.staticBand()
		i := find(used, band, a.ports.Size)
		if i < 0 {
			i = find(used, 0, band)
		}
		if i < 0 {
			return ErrFull
		}
		used.SetBit(used, i, 1)
		port = a.ports.Base + i
		return nil
	})
	if dry {
		return port, err
	}
	return port, noted("dynamic", err)
}

// staticBand is the size of the part for ports that services ask for.
func (a *Allocator) staticBand() int {
	const least, most, step = 16, 128, 32
	if a.ports.Size <= least {
		return 0
	}
	return min(max(least, a.ports.Size/step), most)
}

// find returns a free bit between from and to, starting at a place of chance, or -1.
func find(used *big.Int, from, to int) int {
	n := to - from
	if n <= 0 {
		return -1
	}
	start := rand.IntN(n)
	for i := range n {
		bit := from + (start+i)%n
		if used.Bit(bit) == 0 {
			return bit
		}
	}
	return -1
}

// Release gives the port back. A failure is only reported: the repair finds what was left.
func (a *Allocator) Release(ctx context.Context, port int) {
	if !a.ports.Contains(port) {
		return
	}
	err := a.change(ctx, false, func(used *big.Int) error {
		used.SetBit(used, port-a.ports.Base, 0)
		return nil
	})
	if err != nil {
		utilruntime.HandleErrorWithContext(ctx, err, "Releasing a node port", "port", port)
	}
}

// Repair makes the record say exactly that the given ports are used.
func (a *Allocator) Repair(ctx context.Context, used []int) error {
	err := a.change(ctx, false, func(now *big.Int) error {
		now.SetInt64(0)
		for _, p := range used {
			if a.ports.Contains(p) {
				now.SetBit(now, p-a.ports.Base, 1)
			}
		}
		return nil
	})
	if err != nil {
		repairFailures.Inc()
	}
	return err
}

// change runs f on the stored bitmap and stores what it leaves, unless another writer was faster, when it runs again.
func (a *Allocator) change(ctx context.Context, dry bool, f func(used *big.Int) error) error {
	update := func(obj runtime.Object) (*corev1.RangeAllocation, error) {
		r := obj.(*corev1.RangeAllocation)
		used := new(big.Int)
		// A record of another range is one from before the flag was changed: its bits mean other ports.
		if r.Range == a.ports.String() {
			used.SetBytes(r.Data)
		}
		if err := f(used); err != nil {
			return nil, err
		}
		out := r.DeepCopy()
		out.Range, out.Data = a.ports.String(), used.Bytes()
		return out, nil
	}
	if dry {
		var now corev1.RangeAllocation
		if err := a.store.Get(ctx, key, storage.GetOptions{IgnoreNotFound: true}, &now); err != nil {
			return fmt.Errorf("reading the record of node ports: %w", err)
		}
		_, err := update(&now)
		return err
	}
	stored := &corev1.RangeAllocation{}
	err := a.store.GuaranteedUpdate(ctx, key, stored, true, nil,
		storage.SimpleUpdate(func(obj runtime.Object) (runtime.Object, error) {
			r, err := update(obj)
			if err != nil {
				return nil, err
			}
			return r, nil
		}), nil)
	if err == nil {
		a.count(new(big.Int).SetBytes(stored.Data))
	}
	return err
}
