package noderesources

import (
	"context"
	"fmt"
	"sort"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	resourcehelper "k8s.io/component-helpers/resource"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// FitName is the plugin's name in configurations.
const FitName = "NodeResourcesFit"

const (
	fitKey      fwk.StateKey = FitName
	fitScoreKey fwk.StateKey = "PreScore" + FitName
)

// Fit filters and scores by room.
type Fit struct {
	ignored       sets.Set[string]
	ignoredGroups sets.Set[string]
	scorer        scorer
	handle        fwk.Handle
}

var (
	_ fwk.PreFilterPlugin   = &Fit{}
	_ fwk.FilterPlugin      = &Fit{}
	_ fwk.PreScorePlugin    = &Fit{}
	_ fwk.ScorePlugin       = &Fit{}
	_ fwk.EnqueueExtensions = &Fit{}
	_ fwk.SignPlugin        = &Fit{}
)

// NewFit makes the plugin.
func NewFit(_ context.Context, object runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	args, ok := object.(*configv1.NodeResourcesFitArgs)
	if !ok {
		return nil, fmt.Errorf("want args of type NodeResourcesFitArgs, got %T", object)
	}
	if args.ScoringStrategy == nil {
		return nil, fmt.Errorf("scoring strategy not specified")
	}
	scorer, err := newScorer(args.ScoringStrategy)
	if err != nil {
		return nil, err
	}
	return &Fit{
		ignored: sets.New(args.IgnoredResources...), ignoredGroups: sets.New(args.IgnoredResourceGroups...),
		scorer: scorer, handle: handle,
	}, nil
}

func (*Fit) Name() string                                 { return FitName }
func (*Fit) NodeLocal()                                   {}
func (*Fit) PreFilterExtensions() fwk.PreFilterExtensions { return nil }
func (*Fit) ScoreExtensions() fwk.ScoreExtensions         { return nil }

// request is what a pod asks for. It doubles as state.
type request struct {
	cache.Resource
	non0CPU, non0Mem int64
	claimed          map[v1.ResourceName]bool
}

func (r *request) Clone() fwk.StateData { return r }

func requestOf(pod *v1.Pod) *request {
	info, _ := cache.NewPodInfo(pod)
	res := info.CalculateResource()
	return &request{Resource: *info.Requests(), non0CPU: res.Non0CPU, non0Mem: res.Non0Mem}
}

// SignPod signs the sums and not the containers: pods whose sums are equal are equal to this plugin. The sums that fill
// up missing requests are part of it because scores depend on them.
func (*Fit) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.ResourcesSignerName, Value: signRequest(pod)}}, nil
}

func signRequest(pod *v1.Pod) string {
	r := requestOf(pod)
	var b strings.Builder
	// Overhead counts in the sums, yet a pod that asks for nothing else is best effort.
	fmt.Fprintf(&b, "%d,%d,%d,%d,%d", r.MilliCPU, r.Memory, r.EphemeralStorage, r.non0CPU, r.non0Mem)
	if len(pod.Spec.Overhead) > 0 && isBestEffort(pod) {
		b.WriteString(",besteffort")
	}
	names := make([]string, 0, len(r.Scalars))
	for name := range r.Scalars {
		names = append(names, string(name))
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(&b, ",%s=%d", name, r.Scalars[v1.ResourceName(name)])
	}
	return b.String()
}

// PreFilter sums up the request.
func (f *Fit) PreFilter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	cycle.Write(fitKey, f.withClaimed(requestOf(pod)))
	return nil, nil
}

// withClaimed marks extended resources that device classes offer: where the node's device plugin has none, they are
// the DynamicResources plugin's business.
func (f *Fit) withClaimed(r *request) *request {
	if len(r.Scalars) == 0 || f.handle == nil || f.handle.SharedDRAManager() == nil {
		return r
	}
	for name := range r.Scalars {
		if f.handle.SharedDRAManager().DeviceClassResolver().GetDeviceClass(name) != nil {
			if r.claimed == nil {
				r.claimed = map[v1.ResourceName]bool{}
			}
			r.claimed[name] = true
		}
	}
	return r
}

// Filter refuses nodes without room. What would not fit the empty node is not worth evicting anybody for.
func (f *Fit) Filter(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	data, err := cycle.Read(fitKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", fitKey, err))
	}
	var reasons []string
	code := fwk.Unschedulable
	f.lacking(data.(*request), info, func(reason string, hopeless bool) {
		reasons = append(reasons, reason)
		if hopeless {
			code = fwk.UnschedulableAndUnresolvable
		}
	})
	if len(reasons) == 0 {
		return nil
	}
	return fwk.NewStatus(code, reasons...)
}

// lacking reports each resource the node has too little of; hopeless when even the empty node has.
func (f *Fit) lacking(r *request, info fwk.NodeInfo, report func(reason string, hopeless bool)) {
	allocatable, used := info.GetAllocatable(), info.GetRequested()
	if len(info.GetPods())+1 > allocatable.GetAllowedPodNumber() {
		report("Too many pods", false)
	}
	check := func(reason string, want, total, taken int64) {
		if want > 0 && want > total-taken {
			report(reason, want > total)
		}
	}
	check("Insufficient cpu", r.MilliCPU, allocatable.GetMilliCPU(), used.GetMilliCPU())
	check("Insufficient memory", r.Memory, allocatable.GetMemory(), used.GetMemory())
	check("Insufficient ephemeral-storage", r.EphemeralStorage, allocatable.GetEphemeralStorage(), used.GetEphemeralStorage())
	if len(r.Scalars) == 0 {
		return
	}
	names := make([]string, 0, len(r.Scalars))
	for name := range r.Scalars {
		names = append(names, string(name))
	}
	sort.Strings(names)
	for _, plain := range names {
		name := v1.ResourceName(plain)
		if isExtended(name) && (f.ignored.Has(plain) || f.ignoredGroups.Has(strings.Split(plain, "/")[0])) {
			continue
		}
		total := allocatable.GetScalarResources()[name]
		if r.claimed[name] && total == 0 {
			continue
		}
		check("Insufficient "+plain, r.Scalars[name], total, used.GetScalarResources()[name])
	}
}

func isExtended(name v1.ResourceName) bool {
	s := string(name)
	return strings.Contains(s, "/") && !strings.Contains(s, v1.ResourceDefaultNamespacePrefix) && !strings.HasPrefix(s, v1.DefaultResourceRequestsPrefix)
}

// PreScore keeps the request for Score.
func (*Fit) PreScore(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	cycle.Write(fitScoreKey, requestOf(pod))
	return nil
}

// Score rates the node as it would be with the pod.
func (f *Fit) Score(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	data, err := cycle.Read(fitScoreKey)
	if err != nil {
		return 0, fwk.AsStatus(fmt.Errorf("reading %s: %w", fitScoreKey, err))
	}
	return f.scorer.score(data.(*request), info), nil
}

// isBestEffort tells whether the pod asks for no CPU and no memory at all.
func isBestEffort(pod *v1.Pod) bool {
	requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{ExcludeOverhead: true})
	for _, quantity := range requests {
		if !quantity.IsZero() {
			return false
		}
	}
	return true
}
