package interpodaffinity

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	corelisters "k8s.io/client-go/listers/core/v1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// Name is the plugin's name in configurations.
const Name = "InterPodAffinity"

// What users see.
const (
	ErrReasonExistingAntiAffinity = "node(s) didn't satisfy existing pods anti-affinity rules"
	ErrReasonAffinity             = "node(s) didn't match pod affinity rules"
	ErrReasonAntiAffinity         = "node(s) didn't match pod anti-affinity rules"
)

// Plugin filters and scores by pods on nodes.
type Plugin struct {
	hardWeight      int64
	ignorePreferred bool
	snapshot        *cache.Snapshot
	namespaces      corelisters.NamespaceLister
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
func New(_ context.Context, object runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	args, ok := object.(*configv1.InterPodAffinityArgs)
	if !ok {
		return nil, fmt.Errorf("want args of type InterPodAffinityArgs, got %T", object)
	}
	snapshot, ok := handle.SnapshotSharedLister().(*cache.Snapshot)
	if !ok {
		return nil, fmt.Errorf("%s needs the indexed snapshot, got %T", Name, handle.SnapshotSharedLister())
	}
	return &Plugin{
		hardWeight: int64(ptr.Deref(args.HardPodAffinityWeight, 0)), ignorePreferred: args.IgnorePreferredTermsOfExistingPods,
		snapshot: snapshot, namespaces: handle.SharedInformerFactory().Core().V1().Namespaces().Lister(),
	}, nil
}

func (*Plugin) Name() string                           { return Name }
func (p *Plugin) ScoreExtensions() fwk.ScoreExtensions { return p }

// SignPod signs pods without terms of their own by their labels and namespace, which is what others' terms see.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	if affinity := pod.Spec.Affinity; affinity != nil && (affinity.PodAffinity != nil || affinity.PodAntiAffinity != nil) {
		return nil, fwk.NewStatus(fwk.Unschedulable, "pods with inter-pod affinity can't be signed")
	}
	return []fwk.SignFragment{{Key: fwk.LabelsSignerName, Value: []any{pod.Namespace, pod.Labels}}}, nil
}

// resolve turns a namespace selector into the namespaces it selects now, so that counters need not look at namespaces.
func (p *Plugin) resolve(term fwk.AffinityTerm) (fwk.AffinityTerm, error) {
	if term.NamespaceSelector == nil || isNothing(term.NamespaceSelector) {
		return term, nil
	}
	selected, err := p.namespaces.List(term.NamespaceSelector)
	if err != nil {
		return term, fmt.Errorf("listing namespaces: %w", err)
	}
	names := term.Namespaces.Clone()
	for _, namespace := range selected {
		names.Insert(namespace.Name)
	}
	term.Namespaces, term.NamespaceSelector = names, labels.Nothing()
	return term, nil
}

func isNothing(selector labels.Selector) bool {
	_, selectable := selector.Requirements()
	return !selectable
}

// labelsOf returns the labels of a namespace, none when it is unknown.
func (p *Plugin) labelsOf(namespace string) labels.Set {
	object, err := p.namespaces.Get(namespace)
	if err != nil {
		return nil
	}
	return object.Labels
}

func (p *Plugin) counter(term *fwk.AffinityTerm) *cache.Counter {
	return p.snapshot.Counter(cache.CounterOptions{Namespaces: term.Namespaces, Selector: term.Selector, TopologyKey: term.TopologyKey})
}
