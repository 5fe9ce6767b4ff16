// Package nodeaffinity matches nodes against a pod's node selector and node affinity.
package nodeaffinity

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/plugins/normalize"
)

// Name is the plugin's name in configurations.
const Name = "NodeAffinity"

// What users see when the pod's own, or the configuration's, affinity refuses a node.
const (
	ErrReasonPod      = "node(s) didn't match Pod's node affinity/selector"
	ErrReasonEnforced = "node(s) didn't match scheduler-enforced node affinity"
)

const stateKey fwk.StateKey = Name

// Plugin filters and scores by node affinity.
type Plugin struct {
	added          *nodeaffinity.NodeSelector
	addedPreferred *nodeaffinity.PreferredSchedulingTerms
}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.PreScorePlugin    = &Plugin{}
	_ fwk.ScorePlugin       = &Plugin{}
	_ fwk.ScoreExtensions   = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New makes the plugin.
func New(_ context.Context, object runtime.Object, _ fwk.Handle) (fwk.Plugin, error) {
	args, ok := object.(*configv1.NodeAffinityArgs)
	if !ok {
		return nil, fmt.Errorf("want args of type NodeAffinityArgs, got %T", object)
	}
	p := &Plugin{}
	if args.AddedAffinity == nil {
		return p, nil
	}
	var err error
	if required := args.AddedAffinity.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		if p.added, err = nodeaffinity.NewNodeSelector(required); err != nil {
			return nil, fmt.Errorf("parsing addedAffinity.requiredDuringSchedulingIgnoredDuringExecution: %w", err)
		}
	}
	if preferred := args.AddedAffinity.PreferredDuringSchedulingIgnoredDuringExecution; len(preferred) > 0 {
		if p.addedPreferred, err = nodeaffinity.NewPreferredSchedulingTerms(preferred); err != nil {
			return nil, fmt.Errorf("parsing addedAffinity.preferredDuringSchedulingIgnoredDuringExecution: %w", err)
		}
	}
	return p, nil
}

func (*Plugin) Name() string                                 { return Name }
func (*Plugin) NodeLocal()                                   {}
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }
func (p *Plugin) ScoreExtensions() fwk.ScoreExtensions       { return p }

// SignPod signs selector and affinity.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	affinity, err := fwk.NodeAffinitySigner(pod)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	var selector any
	if len(pod.Spec.NodeSelector) > 0 {
		selector = pod.Spec.NodeSelector
	}
	return []fwk.SignFragment{{Key: fwk.NodeAffinitySignerName, Value: affinity}, {Key: fwk.NodeSelectorSignerName, Value: selector}}, nil
}

type state struct {
	required  nodeaffinity.RequiredNodeAffinity
	preferred *nodeaffinity.PreferredSchedulingTerms
}

func (s *state) Clone() fwk.StateData { return s }

// PreFilter parses the affinity, and narrows the search when it names nodes.
func (p *Plugin) PreFilter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	affinity := required(pod)
	if affinity == nil && p.added == nil && len(pod.Spec.NodeSelector) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	cycle.Write(stateKey, &state{required: nodeaffinity.GetRequiredNodeAffinity(pod)})
	if affinity == nil || len(affinity.NodeSelectorTerms) == 0 {
		return nil, nil
	}
	names, all := namedNodes(affinity)
	if all {
		return nil, nil
	}
	if names.Len() == 0 {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "pod affinity terms conflict")
	}
	return &fwk.PreFilterResult{NodeNames: names}, nil
}

func required(pod *v1.Pod) *v1.NodeSelector {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return nil
	}
	return pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

// namedNodes collects the nodes the terms name in metadata.name; all is true when some term names none. Terms are
// alternatives, requirements within one must all hold.
func namedNodes(selector *v1.NodeSelector) (names sets.Set[string], all bool) {
	names = sets.New[string]()
	for i := range selector.NodeSelectorTerms {
		var ofTerm sets.Set[string]
		for _, field := range selector.NodeSelectorTerms[i].MatchFields {
			if field.Key == metav1.ObjectNameField && field.Operator == v1.NodeSelectorOpIn {
				values := sets.New(field.Values...)
				if ofTerm == nil {
					ofTerm = values
				} else {
					ofTerm = ofTerm.Intersection(values)
				}
			}
		}
		if ofTerm == nil {
			return nil, true
		}
		names = names.Union(ofTerm)
	}
	return names, false
}

// Filter refuses nodes that do not match.
func (p *Plugin) Filter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	if p.added != nil && !p.added.Match(info.Node()) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonEnforced)
	}
	var want nodeaffinity.RequiredNodeAffinity
	if data, err := cycle.Read(stateKey); err == nil {
		want = data.(*state).required
	} else {
		want = nodeaffinity.GetRequiredNodeAffinity(pod)
	}
	if match, _ := want.Match(info.Node()); !match {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonPod)
	}
	return nil
}

const preScoreKey fwk.StateKey = "PreScore" + Name

// PreScore parses the preferred terms.
func (p *Plugin) PreScore(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	preferred, err := preferredOf(pod)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if preferred == nil && p.addedPreferred == nil {
		return fwk.NewStatus(fwk.Skip)
	}
	cycle.Write(preScoreKey, &state{preferred: preferred})
	return nil
}

func preferredOf(pod *v1.Pod) (*nodeaffinity.PreferredSchedulingTerms, error) {
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.NodeAffinity == nil || len(affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution) == 0 {
		return nil, nil
	}
	return nodeaffinity.NewPreferredSchedulingTerms(affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
}

// Score sums the weights of the preferred terms that match.
func (p *Plugin) Score(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	data, err := cycle.Read(preScoreKey)
	if err != nil {
		return 0, fwk.AsStatus(fmt.Errorf("reading %s: %w", preScoreKey, err))
	}
	score := int64(0)
	if p.addedPreferred != nil {
		score += p.addedPreferred.Score(info.Node())
	}
	if preferred := data.(*state).preferred; preferred != nil {
		score += preferred.Score(info.Node())
	}
	return score, nil
}

// NormalizeScore scales to the highest.
func (*Plugin) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	return normalize.ByMax(false, scores)
}

// EventsToRegister asks for nodes that match now and did not before.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{
		Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeLabel},
		QueueingHintFn: func(_ klog.Logger, pod *v1.Pod, old, new any) (fwk.QueueingHint, error) {
			after, ok := new.(*v1.Node)
			if !ok {
				return fwk.Queue, fmt.Errorf("expected a node, got %T", new)
			}
			before, _ := old.(*v1.Node)
			if p.matches(pod, after) && (before == nil || !p.matches(pod, before)) {
				return fwk.Queue, nil
			}
			return fwk.QueueSkip, nil
		},
	}}, nil
}

func (p *Plugin) matches(pod *v1.Pod, node *v1.Node) bool {
	if p.added != nil && !p.added.Match(node) {
		return false
	}
	match, _ := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node)
	return match
}
