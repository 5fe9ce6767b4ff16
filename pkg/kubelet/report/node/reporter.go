package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// Reporter tells the API about one node.
type Reporter struct {
	cfg        Config
	trigger    chan struct{}
	registered chan struct{}

	mu sync.Mutex
	// known is the node as the API last showed it; before registration as it will be registered.
	known *v1.Node
	// latest is the node with the status as last computed.
	latest *v1.Node
}

// New checks the settings and computes the node for the first time.
func New(cfg Config) (*Reporter, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if _, err := ParseReservations(cfg.KubeReserved, cfg.SystemReserved, cfg.EvictionHard, Capacity(cfg.Machine, cfg.MaxPods, cfg.PodsPerCore, 0)); err != nil {
		return nil, fmt.Errorf("node report: %w", err)
	}
	r := &Reporter{cfg: cfg, trigger: make(chan struct{}, 1), registered: make(chan struct{})}
	r.known = r.initial()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	r.latest, _ = r.build(r.known, r.measure(ctx))
	return r, nil
}

// Node is the node with its present status: good for admission even before the API has answered. Do not change it.
func (r *Reporter) Node() *v1.Node {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.latest
}

// Allocatable is what the node offers to pods.
func (r *Reporter) Allocatable() v1.ResourceList { return r.Node().Status.Allocatable }

// PodsLimit is what all pods together may use: the capacity without reservations, eviction thresholds left in.
func (r *Reporter) PodsLimit() v1.ResourceList {
	capacity := r.Node().Status.Capacity
	reserved, err := ParseReservations(r.cfg.KubeReserved, r.cfg.SystemReserved, nil, capacity)
	if err != nil {
		return capacity // cannot be: New parsed the same settings
	}
	return WithoutEviction(capacity, reserved)
}

// Registered is closed once the API has the node.
func (r *Reporter) Registered() <-chan struct{} { return r.registered }

// Trigger asks for a report now.
func (r *Reporter) Trigger() {
	select {
	case r.trigger <- struct{}{}:
	default:
	}
}

// Run registers the node and keeps reporting until ctx ends. Without a client it only keeps Node up to date.
func (r *Reporter) Run(ctx context.Context) error {
	if r.cfg.Client == nil {
		r.loop(ctx, func(context.Context) (bool, error) { return r.refresh(ctx), nil })
		return nil
	}
	if err := r.register(ctx); err != nil {
		return nil // ctx ended: registration is tried until then
	}
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { r.watch(ctx) })
	group.Go(func() { r.lease(ctx) })
	r.loop(ctx, r.report)
	return nil
}

const (
	firstLook = 50 * time.Millisecond
	lastLook  = time.Second
)

// loop reports at each trigger and each period. As long as the node is not ready it looks more often, since the runtime has no way
// to tell that its network came up.
func (r *Reporter) loop(ctx context.Context, report func(context.Context) (ready bool, err error)) {
	wait := firstLook
	for {
		ready, err := report(ctx)
		if err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Reporting node status")
		}
		switch {
		case ready && err == nil:
			wait = r.cfg.StatusPeriod
		case wait >= r.cfg.StatusPeriod:
			wait = firstLook
		default:
			wait = min(2*wait, lastLook)
		}
		timer := r.cfg.Clock.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-r.trigger:
			timer.Stop()
		case <-timer.C():
		}
	}
}

// refresh computes the status without telling anybody.
func (r *Reporter) refresh(ctx context.Context) (ready bool) {
	m := r.measure(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest, _ = r.build(r.latest, m)
	return isReady(r.latest)
}

func isReady(node *v1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == v1.NodeReady {
			return c.Status == v1.ConditionTrue
		}
	}
	return false
}

// watch follows this one node: labels, taints and the status that others may change.
func (r *Reporter) watch(ctx context.Context) {
	source := cache.NewListWatchFromClient(r.cfg.Client.CoreV1().RESTClient(), "nodes", metav1.NamespaceAll, fields.OneTermEqualSelector("metadata.name", r.cfg.NodeName))
	take := func(obj any) {
		if node, ok := obj.(*v1.Node); ok {
			r.learn(node)
		}
	}
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{ListerWatcher: source, ObjectType: &v1.Node{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    take,
			UpdateFunc: func(_, obj any) { take(obj) },
			DeleteFunc: func(any) { r.gone() },
		}})
	informer.RunWithContext(ctx)
}

// learn takes over what the API shows. The status part of latest stays ours until the next report.
func (r *Reporter) learn(node *v1.Node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = node
	latest := node.DeepCopy()
	latest.Status = r.latest.Status
	r.latest = latest
}

// gone is called when somebody deleted the node. It is not made again: whoever deletes a node wants it out, and a restart of the kubelet
// registers it anew.
func (r *Reporter) gone() {
	klog.Background().Info("This node was deleted from the API; restart the kubelet to register it again", "node", r.cfg.NodeName)
}
