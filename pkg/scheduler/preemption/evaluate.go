package preemption

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	policylisters "k8s.io/client-go/listers/policy/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Evaluator decides whom to evict.
type Evaluator struct {
	Handle  fwk.Handle
	Budgets policylisters.PodDisruptionBudgetLister
	// MinPercentage and MinAbsolute bound how many candidates are compared.
	MinPercentage, MinAbsolute int32
	Executor                   *Executor
}

// Evaluate tries to make room for the pod. The text of a refusal becomes part of the pod's message.
func (e *Evaluator) Evaluate(ctx context.Context, cycle fwk.CycleState, pod *v1.Pod, refused fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	if ok, reason := e.eligible(pod, refused); !ok {
		return nil, fwk.NewStatus(fwk.Unschedulable, reason)
	}
	lister := e.Handle.SnapshotSharedLister().NodeInfos()
	all, err := lister.List()
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if len(all) == 0 {
		return nil, fwk.AsStatus(fmt.Errorf("no nodes available"))
	}
	potential, err := refused.NodesForStatusCode(lister, fwk.Unschedulable)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if len(potential) == 0 {
		// Nothing this scheduler does there can help, so an earlier promise is void as well.
		return clearNomination(), fwk.NewStatus(fwk.Unschedulable, e.summary(len(all), nil, 0))
	}
	budgets, err := e.budgets()
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	offset, wanted := e.window(len(potential))
	candidates, statuses, err := dryRun(ctx, e.Handle, cycle, pod, potential, budgets, offset, wanted, func(*v1.Pod) bool { return true })
	if err != nil && len(candidates) == 0 {
		return nil, fwk.AsStatus(err)
	}
	if len(candidates) == 0 {
		return clearNomination(), fwk.NewStatus(fwk.Unschedulable, e.summary(len(all), statuses, len(potential)))
	}
	if candidates, err = e.askExtenders(pod, candidates); err != nil {
		return nil, fwk.AsStatus(err)
	}
	best := Pick(candidates)
	if best == nil {
		return clearNomination(), fwk.NewStatus(fwk.Unschedulable, "no candidate node for preemption")
	}
	e.Executor.Start(pod, best)
	return &fwk.PostFilterResult{NominatingInfo: &fwk.NominatingInfo{NominatedNodeName: best.Node, NominatingMode: fwk.ModeOverride}}, nil
}

func clearNomination() *fwk.PostFilterResult {
	return &fwk.PostFilterResult{NominatingInfo: &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride}}
}

// eligible tells whether the pod may evict anybody, now.
func (e *Evaluator) eligible(pod *v1.Pod, refused fwk.NodeToStatusReader) (bool, string) {
	if pod.Spec.PreemptionPolicy != nil && *pod.Spec.PreemptionPolicy == v1.PreemptNever {
		return false, "not eligible due to preemptionPolicy=Never."
	}
	node := pod.Status.NominatedNodeName
	if node == "" || refused.Get(node).Code() == fwk.UnschedulableAndUnresolvable {
		return true, ""
	}
	info, err := e.Handle.SnapshotSharedLister().NodeInfos().Get(node)
	if err != nil {
		return true, ""
	}
	for _, running := range info.GetPods() {
		if running.GetPod().DeletionTimestamp != nil && corev1helpers.PodPriority(running.GetPod()) < corev1helpers.PodPriority(pod) && preempted(running.GetPod()) {
			return false, "not eligible due to a terminating pod on the nominated node."
		}
	}
	return true, ""
}

// preempted tells that a scheduler evicted the pod; one that ends for other reasons may take its time.
func preempted(pod *v1.Pod) bool {
	for i := range pod.Status.Conditions {
		condition := &pod.Status.Conditions[i]
		if condition.Type == v1.DisruptionTarget {
			return condition.Status == v1.ConditionTrue && condition.Reason == v1.PodReasonPreemptionByScheduler
		}
	}
	return false
}

func (e *Evaluator) budgets() ([]*policyv1.PodDisruptionBudget, error) {
	if e.Budgets == nil {
		return nil, nil
	}
	budgets, err := e.Budgets.List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("listing disruption budgets: %w", err)
	}
	return budgets, nil
}

// window says where to start and how many candidates to compare: starting anywhere spreads evictions.
func (e *Evaluator) window(nodes int) (offset, wanted int) {
	wanted = max(nodes*int(e.MinPercentage)/100, int(e.MinAbsolute))
	return rand.IntN(nodes), min(wanted, nodes)
}

// summary words why no node can be freed.
func (e *Evaluator) summary(nodes int, statuses map[string]*fwk.Status, tried int) string {
	counts := map[string]int{}
	for _, status := range statuses {
		for _, reason := range status.Reasons() {
			counts[reason]++
		}
	}
	if rest := nodes - tried; rest > 0 {
		counts["Preemption is not helpful for scheduling"] += rest
	}
	parts := make([]string, 0, len(counts))
	for reason, count := range counts {
		parts = append(parts, fmt.Sprintf("%d %s", count, reason))
	}
	sort.Strings(parts)
	return fmt.Sprintf("0/%d nodes are available: %s.", nodes, strings.Join(parts, ", "))
}

func (e *Evaluator) askExtenders(pod *v1.Pod, candidates []Candidate) ([]Candidate, error) {
	victims := map[string]*extenderv1.Victims{}
	asked := false
	for _, extender := range e.Handle.Extenders() {
		if !extender.SupportsPreemption() || !extender.IsInterested(pod) {
			continue
		}
		if !asked {
			for i := range candidates {
				victims[candidates[i].Node] = &extenderv1.Victims{Pods: candidates[i].Victims, NumPDBViolations: candidates[i].Violations}
			}
			asked = true
		}
		kept, err := extender.ProcessPreemption(pod, victims, e.Handle.SnapshotSharedLister().NodeInfos())
		if err != nil {
			if extender.IsIgnorable() {
				continue
			}
			return nil, fmt.Errorf("extender %s on preemption: %w", extender.Name(), err)
		}
		for node, list := range kept {
			if list == nil || len(list.Pods) == 0 {
				return nil, fmt.Errorf("extender %s names no victims on node %s", extender.Name(), node)
			}
		}
		if victims = kept; len(victims) == 0 {
			return nil, nil
		}
	}
	if !asked {
		return candidates, nil
	}
	var out []Candidate
	for node, list := range victims {
		pods := append([]*v1.Pod(nil), list.Pods...)
		sort.SliceStable(pods, func(i, j int) bool { return MoreImportant(pods[i], pods[j]) })
		out = append(out, Candidate{Node: node, Victims: pods, Violations: list.NumPDBViolations})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Node < out[j].Node })
	return out, nil
}
