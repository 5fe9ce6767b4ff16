package podnetwork

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/allinone/cni"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config describes one node's part.
type Config struct {
	NodeName string
	Nodes    coreinformers.NodeInformer
	// CNI is the node's network configuration but for its ranges, which the Node object has.
	CNI cni.Config
	// Events is told of nodes that cannot be reached.
	Events record.EventRecorder
}

// Network keeps a node's pods in touch with those of other nodes.
type Network struct {
	cfg    Config
	nodes  corelisters.NodeLister
	queue  *worker.Queue[string]
	kernel kernel

	// Of the one worker.
	told   []unreachable
	ranges []netip.Prefix
}

// all is the one key: a pass looks at everything.
const all = "routes"

// New builds the room and connects it to its informer.
func New(cfg Config) (*Network, error) {
	if cfg.NodeName == "" || cfg.Nodes == nil || cfg.Events == nil {
		return nil, errors.New("pod network: NodeName, Nodes and Events are required")
	}
	n := &Network{cfg: cfg, nodes: cfg.Nodes.Lister(), kernel: kernel{bridge: cni.BridgeName}}
	var err error
	n.queue, err = worker.New(worker.Config[string]{Name: "pod_network", Workers: 1, Sync: n.Sync,
		MinBackoff: 100 * time.Millisecond, MaxBackoff: 30 * time.Second})
	if err != nil {
		return nil, err
	}
	changed := func(*v1.Node) { n.queue.Enqueue(all) }
	return n, worker.Watch(n.queue, cfg.Nodes.Informer(), worker.Handler[*v1.Node]{
		Add: changed, Delete: changed,
		Update: func(old, node *v1.Node) {
			// Not for every heartbeat.
			if !slices.Equal(old.Spec.PodCIDRs, node.Spec.PodCIDRs) || !slices.Equal(old.Status.Addresses, node.Status.Addresses) {
				changed(node)
			}
		},
	})
}

// Run works until ctx ends. The routes stay, as the pods do.
func (n *Network) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.queue.Run(ctx) })
	group.Go(func() error { return n.kernel.follow(ctx, func() { n.queue.Enqueue(all) }) })
	return group.Wait()
}

// Sync makes the kernel and the network configuration agree with the nodes.
func (n *Network) Sync(_ context.Context, _ string) error {
	nodes, err := n.nodes.List(labels.Everything())
	if err != nil {
		return err
	}
	have, err := n.kernel.routes()
	if err != nil {
		return err
	}
	other, err := cni.Foreign(n.cfg.CNI.ConfDir)
	if err != nil {
		return err
	}
	if other != "" {
		return errors.Join(cni.Write(n.cfg.CNI), n.kernel.apply(nil, have))
	}
	if err := n.configure(nodes); err != nil {
		return err
	}
	links, err := n.kernel.links()
	if err != nil {
		return err
	}
	want, problems := plan(n.cfg.NodeName, nodes, links)
	add, remove := difference(have, want)
	if len(add)+len(remove) > 0 {
		klog.InfoS("Routes to the pods of other nodes change", "add", describe(add), "remove", describe(remove))
	}
	n.tell(problems)
	return n.kernel.apply(add, remove)
}

// configure writes our own node's ranges into its network configuration.
func (n *Network) configure(nodes []*v1.Node) error {
	at := slices.IndexFunc(nodes, func(node *v1.Node) bool { return node.Name == n.cfg.NodeName })
	if at < 0 {
		return nil
	}
	mine := ranges(nodes[at])
	if len(mine) == 0 || slices.Equal(mine, n.ranges) {
		return nil
	}
	before, err := cni.Ranges(n.cfg.CNI.ConfDir)
	if err != nil {
		return err
	}
	if !slices.Equal(before, mine) {
		if len(before) > 0 {
			klog.InfoS("This node has another range of pod addresses now; pods with addresses of the old one are reached on this node only", "before", before, "now", mine)
		}
		if err := n.kernel.rebase(mine); err != nil {
			return err
		}
	}
	cfg := n.cfg.CNI
	cfg.PodCIDRs = mine
	if err := cni.Write(cfg); err != nil {
		return err
	}
	n.ranges = mine
	return nil
}

// tell says what cannot be reached, once.
func (n *Network) tell(problems []unreachable) {
	for _, p := range problems {
		if slices.Contains(n.told, p) {
			continue
		}
		klog.InfoS("Pods of a node cannot be reached from this one", "node", p.node, "why", p.why)
		// The kubelet's events refer to a Node in the same way.
		n.cfg.Events.Eventf(&v1.ObjectReference{Kind: "Node", Name: n.cfg.NodeName, UID: types.UID(n.cfg.NodeName), APIVersion: "v1"},
			v1.EventTypeWarning, "PodsUnreachable", "Pods of node %s cannot be reached from this node: %s", p.node, p.why)
	}
	n.told = problems
}

func describe(routes []route) []string {
	var lines []string
	for _, r := range routes {
		lines = append(lines, fmt.Sprintf("%s via %s", r.dst, r.via))
	}
	return lines
}
