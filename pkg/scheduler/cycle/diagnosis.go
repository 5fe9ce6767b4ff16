package cycle

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// ErrNoNodes is the reason when the cluster has no node at all.
var ErrNoNodes = errors.New("no nodes available to schedule pods")

// NodeStatuses say why each node was refused.
type NodeStatuses struct {
	snapshot *cache.Snapshot
	bySlot   []*fwk.Status
	// absent stands for nodes that were not looked at.
	absent *fwk.Status
}

var _ fwk.NodeToStatusReader = &NodeStatuses{}

// NewNodeStatuses wraps statuses by slot of the snapshot.
func NewNodeStatuses(snapshot *cache.Snapshot, bySlot []*fwk.Status, absent *fwk.Status) *NodeStatuses {
	return &NodeStatuses{snapshot: snapshot, bySlot: bySlot, absent: absent}
}

func (n *NodeStatuses) at(slot int) *fwk.Status {
	if slot < len(n.bySlot) && n.bySlot[slot] != nil {
		return n.bySlot[slot]
	}
	return n.absent
}

// Get returns the node's status.
func (n *NodeStatuses) Get(name string) *fwk.Status {
	if slot, ok := n.snapshot.SlotOf(name); ok {
		return n.at(slot)
	}
	return n.absent
}

// NodesForStatusCode returns the nodes refused with code.
func (n *NodeStatuses) NodesForStatusCode(lister fwk.NodeInfoLister, code fwk.Code) ([]fwk.NodeInfo, error) {
	all, err := lister.List()
	if err != nil {
		return nil, err
	}
	var out []fwk.NodeInfo
	for _, info := range all {
		if n.Get(info.Node().Name).Code() == code {
			out = append(out, info)
		}
	}
	return out, nil
}

// FitError tells why a pod fits nowhere.
type FitError struct {
	NumAllNodes int
	Statuses    *NodeStatuses
	// PreFilter is the message when the pod was refused before any node was looked at.
	PreFilter string
	// PostFilter is what the plugins that should have made room had to say.
	PostFilter    string
	Unschedulable sets.Set[string]
	Pending       sets.Set[string]

	cached *string
}

func newFitError(snapshot *cache.Snapshot) *FitError {
	return &FitError{
		NumAllNodes: snapshot.Len(), Unschedulable: sets.New[string](), Pending: sets.New[string](),
		Statuses: NewNodeStatuses(snapshot, nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable)),
	}
}

// blame records the plugin behind a refusal, for the queue.
func (f *FitError) blame(status *fwk.Status) {
	if status.Plugin() == "" {
		return
	}
	if status.Code() == fwk.Pending {
		f.Pending.Insert(status.Plugin())
		return
	}
	f.Unschedulable.Insert(status.Plugin())
}

// Error is the text users see in events and in the pod's condition.
func (f *FitError) Error() string {
	text := f.reasons()
	if f.PostFilter != "" {
		text += " " + f.PostFilter
	}
	return text
}

func (f *FitError) reasons() string {
	if f.cached != nil && *f.cached != "" {
		return *f.cached
	}
	text := fmt.Sprintf("0/%v nodes are available:", f.NumAllNodes)
	if f.PreFilter != "" {
		return text + fmt.Sprintf(" %v.", f.PreFilter)
	}
	if summary := f.Statuses.Summary(); summary != "" {
		text += " " + summary + "."
	}
	if f.cached != nil {
		*f.cached = text
	}
	return text
}

// Summary counts equal reasons over all nodes: "1 Insufficient cpu, 2 Insufficient memory".
func (n *NodeStatuses) Summary() string {
	counts := map[string]int{}
	for slot := range n.snapshot.Len() {
		for _, reason := range n.at(slot).Reasons() {
			counts[reason]++
		}
	}
	parts := make([]string, 0, len(counts))
	for reason, count := range counts {
		parts = append(parts, fmt.Sprintf("%v %v", count, reason))
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}
