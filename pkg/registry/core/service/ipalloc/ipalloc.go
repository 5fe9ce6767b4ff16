package ipalloc

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
)

// The errors of Allocate.
var (
	ErrAllocated  = errors.New("provided IP is already allocated")
	ErrFull       = errors.New("range is full")
	ErrNotInRange = errors.New("is not in the valid range")
)

const (
	familyLabel  = networkingv1.LabelIPAddressFamily
	managerLabel = networkingv1.LabelManagedBy
	manager      = "ipallocator.k8s.io"
	// defaultCIDR is the ServiceCIDR of the configured ranges.
	defaultCIDR = "kubernetes"
)

// Config is what an allocator needs.
type Config struct {
	Client    kubernetes.Interface
	Informers informers.SharedInformerFactory
	// Ranges are the configured ranges; they hold while no ServiceCIDR is known yet.
	Ranges []net.IPNet
}

// Allocator gives out addresses.
type Allocator struct {
	client    kubernetes.Interface
	cidrs     networkinglisters.ServiceCIDRLister
	informer  cache.SharedInformer
	addresses networkinglisters.IPAddressLister
	synced    []cache.InformerSynced
	ranges    []netip.Prefix
}

// New makes an allocator; the caller starts the informers.
func New(c Config) *Allocator {
	n := c.Informers.Networking().V1()
	a := &Allocator{
		client: c.Client, cidrs: n.ServiceCIDRs().Lister(), informer: n.ServiceCIDRs().Informer(), addresses: n.IPAddresses().Lister(),
		synced: []cache.InformerSynced{n.ServiceCIDRs().Informer().HasSynced, n.IPAddresses().Informer().HasSynced},
	}
	for _, r := range c.Ranges {
		if p, err := netip.ParsePrefix(r.String()); err == nil {
			a.ranges = append(a.ranges, p.Masked())
		}
	}
	latest.Store(a)
	return a
}

// prefixes returns the ranges of the family that addresses may be taken from; and also those that only hold what they have,
// because they are being deleted.
func (a *Allocator) prefixes(family corev1.IPFamily) []netip.Prefix {
	var out []netip.Prefix
	add := func(p netip.Prefix) {
		if p.Addr().Is4() == (family == corev1.IPv4Protocol) {
			out = append(out, p)
		}
	}
	cidrs, err := a.cidrs.List(labels.Everything())
	if err == nil {
		for _, c := range cidrs {
			if c.DeletionTimestamp != nil {
				continue
			}
			for _, text := range c.Spec.CIDRs {
				if p, err := netip.ParsePrefix(text); err == nil {
					add(p.Masked())
				}
			}
		}
	}
	if len(out) == 0 {
		for _, p := range a.ranges {
			add(p)
		}
	}
	return out
}

// Allocate takes the wanted address for the service, or one of the allocator's choice. A dry one only looks.
func (a *Allocator) Allocate(ctx context.Context, svc *corev1.Service, family corev1.IPFamily, wanted string, dry bool) (string, error) {
	prefixes := a.prefixes(family)
	if len(prefixes) == 0 {
		return "", fmt.Errorf("no range of cluster IPs of family %s", family)
	}
	if wanted != "" {
		addr, err := netip.ParseAddr(wanted)
		if err != nil {
			return "", err
		}
		for _, p := range prefixes {
			if usable(p, addr) {
				return wanted, timed(p, scopeStatic, dry, func() error { return a.take(ctx, svc, addr, dry) })
			}
		}
		return "", fmt.Errorf("the provided IP (%s) %w. The range of valid IPs is %s", wanted, ErrNotInRange, prefixes[0])
	}
	for _, p := range prefixes {
		var addr netip.Addr
		err := timed(p, scopeDynamic, dry, func() (err error) {
			addr, err = a.next(ctx, svc, p, dry)
			return err
		})
		if err == nil {
			return addr.String(), nil
		}
		if !errors.Is(err, ErrFull) {
			return "", err
		}
	}
	return "", ErrFull
}

// timed counts an allocation and how long it took; one that only looks is none.
func timed(p netip.Prefix, scope string, dry bool, allocate func() error) error {
	if dry {
		return allocate()
	}
	begin := time.Now()
	if err := allocate(); err != nil {
		failures.WithLabelValues(p.String(), scope).Inc()
		return err
	}
	duration.WithLabelValues(p.String()).Observe(time.Since(begin).Seconds())
	allocations.WithLabelValues(p.String(), scope).Inc()
	return nil
}

func (a *Allocator) take(ctx context.Context, svc *corev1.Service, addr netip.Addr, dry bool) error {
	if dry {
		return nil // it says nothing of what others have
	}
	_, err := a.client.NetworkingV1().IPAddresses().Create(ctx, record(svc, addr), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return ErrAllocated
	}
	return err
}

func record(svc *corev1.Service, addr netip.Addr) *networkingv1.IPAddress {
	family := string(corev1.IPv4Protocol)
	if addr.Is6() {
		family = string(corev1.IPv6Protocol)
	}
	return &networkingv1.IPAddress{
		ObjectMeta: metav1.ObjectMeta{Name: addr.String(), Labels: map[string]string{familyLabel: family, managerLabel: manager}},
		Spec: networkingv1.IPAddressSpec{ParentRef: &networkingv1.ParentReference{
			Resource: "services", Namespace: svc.Namespace, Name: svc.Name,
		}},
	}
}

// attempts is how many places of chance are tried before the whole range is searched.
const attempts = 32

func (a *Allocator) next(ctx context.Context, svc *corev1.Service, p netip.Prefix, dry bool) (netip.Addr, error) {
	first, size := bounds(p)
	if size == 0 {
		return netip.Addr{}, ErrFull
	}
	band := staticBand(size)
	try := func(offset uint64) (netip.Addr, bool, error) {
		addr := add(first, offset)
		if _, err := a.addresses.Get(addr.String()); err == nil {
			return addr, false, nil
		}
		err := a.take(ctx, svc, addr, dry)
		if errors.Is(err, ErrAllocated) {
			return addr, false, nil
		}
		return addr, err == nil, err
	}
	if size > band {
		for range attempts {
			if addr, ok, err := try(band + rand.Uint64N(size-band)); ok || err != nil {
				return addr, err
			}
		}
	}
	// Nearly full: look everywhere, from the upper part on.
	for i := range min(size, 1<<16) {
		if addr, ok, err := try((band + i) % size); ok || err != nil {
			return addr, err
		}
	}
	return netip.Addr{}, ErrFull
}

// staticBand is the size of the lower part, for addresses that services ask for.
func staticBand(size uint64) uint64 {
	const least, most, step = 16, 256, 16
	if size <= least {
		return 0
	}
	return min(max(least, size/step), most)
}

// bounds returns the first usable address of the range and how many there are. The network's own address is none, and in
// IPv4 neither is the broadcast address.
func bounds(p netip.Prefix) (netip.Addr, uint64) {
	bits := p.Addr().BitLen() - p.Bits()
	if bits > 62 {
		bits = 62
	}
	size := uint64(1)<<bits - 1
	if p.Addr().Is4() && size > 0 {
		size--
	}
	return p.Addr().Next(), size
}

func usable(p netip.Prefix, addr netip.Addr) bool {
	first, size := bounds(p)
	if !p.Contains(addr) || addr.Less(first) {
		return false
	}
	return !add(first, size-1).Less(addr)
}

func add(addr netip.Addr, n uint64) netip.Addr {
	v := new(big.Int).SetBytes(addr.AsSlice())
	v.Add(v, new(big.Int).SetUint64(n))
	raw := make([]byte, addr.BitLen()/8)
	v.FillBytes(raw)
	out, _ := netip.AddrFromSlice(raw)
	return out
}

// Release gives addresses back. A failure is only reported: the repair finds what was left.
func (a *Allocator) Release(ctx context.Context, ips ...string) {
	for _, ip := range ips {
		if ip == "" || ip == corev1.ClusterIPNone {
			continue
		}
		err := a.client.NetworkingV1().IPAddresses().Delete(ctx, ip, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			utilruntime.HandleErrorWithContext(ctx, err, "Releasing a cluster IP", "ip", ip)
		}
	}
}
