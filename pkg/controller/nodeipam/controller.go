package nodeipam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Range is one cluster range and the size of a node's part of it.
type Range struct {
	Cluster netip.Prefix
	// NodeBits is the prefix length of a node's range. Zero means 24 for IPv4 and 64 for IPv6.
	NodeBits int
}

// Config of the controller.
type Config struct {
	Client kubernetes.Interface
	Nodes  coreinformers.NodeInformer
	Events record.EventRecorder
	// Ranges: one, or one of each family with the first family first.
	Ranges []Range
	// Reserved ranges are never given to nodes: those of services.
	Reserved []netip.Prefix
	Metrics  workqueue.MetricsProvider
}

// Controller gives out ranges.
type Controller struct {
	client kubernetes.Interface
	nodes  corelisters.NodeLister
	events record.EventRecorder
	ranges []*ranges
	queue  *worker.Queue[string]

	mu sync.Mutex
	// given are ranges on their way to a node: taken already, and reserved a second time by the event that shows them on the
	// node, which then drops this entry. A second try gives the same ranges: a node that changes while it is given its first one
	// (all do, as kubelets write status when they register) would skip some otherwise.
	given map[string][]string
}

// New builds the controller and connects it to its informer.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Nodes == nil || cfg.Events == nil || len(cfg.Ranges) == 0 || len(cfg.Ranges) > 2 {
		return nil, errors.New("node ipam: Client, Nodes, Events and one or two Ranges are required")
	}
	c := &Controller{client: cfg.Client, nodes: cfg.Nodes.Lister(), events: cfg.Events, given: map[string][]string{}}
	for _, r := range cfg.Ranges {
		bits := r.NodeBits
		if bits == 0 {
			bits = 24
			if r.Cluster.Addr().Is6() {
				bits = 64
			}
		}
		set, err := newRanges(r.Cluster, bits)
		if err != nil {
			return nil, fmt.Errorf("node ipam: %w", err)
		}
		for n := range set.count {
			for _, p := range cfg.Reserved {
				if set.block(n).Overlaps(p) {
					set.taken[n] = 1
				}
			}
		}
		c.ranges = append(c.ranges, set)
	}
	var err error
	// One worker: who comes first gets the first range.
	c.queue, err = worker.New(worker.Config[string]{Name: "cidrallocator", Workers: 1, Sync: c.Sync, Metrics: cfg.Metrics, MaxBackoff: time.Minute})
	if err != nil {
		return nil, err
	}
	return c, worker.Watch(c.queue, cfg.Nodes.Informer(), worker.Handler[*v1.Node]{
		Add: func(n *v1.Node) {
			c.reserve(n.Spec.PodCIDRs, 1)
			c.queue.Enqueue(n.Name)
		},
		Update: func(old, n *v1.Node) {
			if len(old.Spec.PodCIDRs) == 0 && len(n.Spec.PodCIDRs) > 0 {
				c.reserve(n.Spec.PodCIDRs, 1)
				c.arrived(n.Name)
			} else if len(n.Spec.PodCIDRs) == 0 {
				c.queue.Enqueue(n.Name)
			}
		},
		Delete: func(n *v1.Node) {
			c.reserve(n.Spec.PodCIDRs, -1)
			c.arrived(n.Name)
			// Its range may be what another node waits for.
			all, err := c.nodes.List(labels.Everything())
			if err != nil {
				return
			}
			for _, m := range all {
				if len(m.Spec.PodCIDRs) == 0 {
					c.queue.Enqueue(m.Name)
				}
			}
		},
	})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) reserve(cidrs []string, delta int) {
	for _, s := range cidrs {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			continue // the API server has validated it
		}
		for _, r := range c.ranges {
			r.reserve(p, delta)
		}
	}
}

// Sync gives one node its ranges.
func (c *Controller) Sync(ctx context.Context, name string) error {
	n, err := c.nodes.Get(name)
	if apierrors.IsNotFound(err) || err == nil && len(n.Spec.PodCIDRs) > 0 {
		return nil
	}
	if err != nil {
		return err
	}
	cidrs, err := c.take(name)
	if err != nil {
		c.events.Event(n, v1.EventTypeNormal, "CIDRNotAvailable", "Node "+name+" status is now: CIDRNotAvailable")
		return fmt.Errorf("node %s: %w", name, err)
	}
	// With the resourceVersion: somebody else may have given it ranges that the cache does not show yet.
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": n.UID, "resourceVersion": n.ResourceVersion},
		"spec":     map[string]any{"podCIDR": cidrs[0], "podCIDRs": cidrs},
	})
	if err == nil {
		_, err = c.client.CoreV1().Nodes().Patch(ctx, name, types.StrategicMergePatchType, body, metav1.PatchOptions{})
	}
	if err == nil {
		return nil
	}
	if apierrors.IsNotFound(err) {
		c.arrived(name)
		return nil
	}
	return fmt.Errorf("giving node %s its pod ranges: %w", name, err)
}

// take reserves ranges for a node, or finds those of an earlier try.
func (c *Controller) take(name string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cidrs := c.given[name]; cidrs != nil {
		return cidrs, nil
	}
	var cidrs []string
	for _, r := range c.ranges {
		p, err := r.take()
		if err != nil {
			c.reserve(cidrs, -1)
			return nil, err
		}
		cidrs = append(cidrs, p.String())
	}
	c.given[name] = cidrs
	return cidrs, nil
}

// arrived ends the time on the way: what was taken for the node is given back, as the node itself holds it now, or never will.
func (c *Controller) arrived(name string) {
	c.mu.Lock()
	cidrs := c.given[name]
	delete(c.given, name)
	c.mu.Unlock()
	c.reserve(cidrs, -1)
}
