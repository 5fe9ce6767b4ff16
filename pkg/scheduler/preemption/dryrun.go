package preemption

import (
	"context"
	"fmt"
	"sort"
	"sync"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Candidate is a node and the pods that would have to go.
type Candidate struct {
	Node string
	// Victims, the most important first.
	Victims []*v1.Pod
	// Violations counts victims that a disruption budget would have spared.
	Violations int64
}

// MoreImportant tells whether a should rather stay than b: higher priority first, then the one that runs longer.
func MoreImportant(a, b *v1.Pod) bool {
	x, y := corev1helpers.PodPriority(a), corev1helpers.PodPriority(b)
	if x != y {
		return x > y
	}
	return startOf(a).Before(startOf(b))
}

func startOf(pod *v1.Pod) *metav1.Time {
	if pod.Status.StartTime != nil {
		return pod.Status.StartTime
	}
	now := metav1.Now()
	return &now
}

// dryRun tries nodes from offset on until wanted candidates are found, at least one of them without violations.
func dryRun(ctx context.Context, handle fwk.Handle, cycle fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo, budgets []*policyv1.PodDisruptionBudget,
	offset, wanted int, allowed func(victim *v1.Pod) bool) ([]Candidate, map[string]*fwk.Status, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var clean, violating []Candidate
	var failed error
	statuses := map[string]*fwk.Status{}
	handle.Parallelizer().Until(ctx, len(nodes), func(i int) {
		info := nodes[(offset+i)%len(nodes)]
		candidate, status := selectVictims(ctx, handle, cycle.Clone(), pod, info.Snapshot(), budgets, allowed)
		mu.Lock()
		defer mu.Unlock()
		if !status.IsSuccess() {
			if status.IsError() {
				failed = fmt.Errorf("dry run of preemption on node %s: %w", info.Node().Name, status.AsError())
			}
			statuses[info.Node().Name] = status
			return
		}
		if candidate.Violations == 0 {
			clean = append(clean, *candidate)
		} else {
			violating = append(violating, *candidate)
		}
		if len(clean) > 0 && len(clean)+len(violating) >= wanted {
			cancel()
		}
	}, "Preemption")
	all := append(clean, violating...)
	if len(all) > 0 {
		failed = nil
	}
	return all, statuses, failed
}

// selectVictims empties the node of everything less important, and lets back in as many as possible, the most important
// first, those under a budget before others.
func selectVictims(ctx context.Context, handle fwk.Handle, cycle fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo, budgets []*policyv1.PodDisruptionBudget,
	allowed func(*v1.Pod) bool) (*Candidate, *fwk.Status) {
	var potential []fwk.PodInfo
	for _, running := range info.GetPods() {
		if corev1helpers.PodPriority(running.GetPod()) < corev1helpers.PodPriority(pod) && allowed(running.GetPod()) {
			potential = append(potential, running)
		}
	}
	if len(potential) == 0 {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "No preemption victims found for incoming pod")
	}
	remove := func(victim fwk.PodInfo) *fwk.Status {
		if err := info.RemovePod(klog.Logger{}, victim.GetPod()); err != nil {
			return fwk.AsStatus(err)
		}
		return handle.RunPreFilterExtensionRemovePod(ctx, cycle, pod, victim, info)
	}
	add := func(victim fwk.PodInfo) *fwk.Status {
		info.AddPodInfo(victim)
		return handle.RunPreFilterExtensionAddPod(ctx, cycle, pod, victim, info)
	}
	for _, victim := range potential {
		if status := remove(victim); !status.IsSuccess() {
			return nil, status
		}
	}
	if status := handle.RunFilterPluginsWithNominatedPods(ctx, cycle, pod, info); !status.IsSuccess() {
		return nil, status
	}
	sort.SliceStable(potential, func(i, j int) bool { return MoreImportant(potential[i].GetPod(), potential[j].GetPod()) })
	violating, others := splitByBudgets(potential, budgets)
	out := &Candidate{Node: info.Node().Name}
	reprieve := func(victim fwk.PodInfo) (bool, *fwk.Status) {
		if status := add(victim); !status.IsSuccess() {
			return false, status
		}
		if handle.RunFilterPluginsWithNominatedPods(ctx, cycle, pod, info).IsSuccess() {
			return true, nil
		}
		out.Victims = append(out.Victims, victim.GetPod())
		return false, remove(victim)
	}
	for _, victim := range violating {
		stays, status := reprieve(victim)
		if !status.IsSuccess() {
			return nil, status
		}
		if !stays {
			out.Violations++
		}
	}
	for _, victim := range others {
		if _, status := reprieve(victim); !status.IsSuccess() {
			return nil, status
		}
	}
	if len(out.Victims) == 0 {
		// It fits as it is: somebody went between Filter and now. Nobody has to be evicted for that.
		return nil, fwk.NewStatus(fwk.Unschedulable, "No preemption victims found for incoming pod")
	}
	sort.SliceStable(out.Victims, func(i, j int) bool { return MoreImportant(out.Victims[i], out.Victims[j]) })
	return out, nil
}

// splitByBudgets finds out for which pods the budgets have nothing left, if all before them in the list went.
func splitByBudgets(pods []fwk.PodInfo, budgets []*policyv1.PodDisruptionBudget) (violating, others []fwk.PodInfo) {
	left := make([]int32, len(budgets))
	selectors := make([]labels.Selector, len(budgets))
	for i, budget := range budgets {
		left[i] = budget.Status.DisruptionsAllowed
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err != nil || selector.Empty() {
			selector = labels.Nothing()
		}
		selectors[i] = selector
	}
	for _, info := range pods {
		pod := info.GetPod()
		violates := false
		for i, budget := range budgets {
			if len(pod.Labels) == 0 || budget.Namespace != pod.Namespace || !selectors[i].Matches(labels.Set(pod.Labels)) {
				continue
			}
			// The budget knows already that this one goes.
			if _, known := budget.Status.DisruptedPods[pod.Name]; known {
				continue
			}
			if left[i]--; left[i] < 0 {
				violates = true
			}
		}
		if violates {
			violating = append(violating, info)
		} else {
			others = append(others, info)
		}
	}
	return violating, others
}
