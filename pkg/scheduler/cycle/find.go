package cycle

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// findAnew runs all plugins on nodes until enough fit. It serves pods that share nothing with others.
func (c *Cycle) findAnew(ctx context.Context, a *attempt) (string, error) {
	fit := newFitError(c.cfg.Snapshot)
	outcome := a.profile.RunPreFilterPlugins(ctx, a.state, a.object(), nil)
	if err := c.preFilterError(fit, outcome.Status); err != nil {
		return "", err
	}
	return c.findAmong(ctx, a, fit, outcome.Result, outcome.Restricting)
}

// findAmong goes on after PreFilter, which may have restricted the nodes.
func (c *Cycle) findAmong(ctx context.Context, a *attempt, fit *FitError, result *fwk.PreFilterResult, restricting sets.Set[string]) (string, error) {
	var feasible []fwk.NodeInfo
	var err error
	if node := c.nominatedNode(a.object()); node != nil && (result.AllNodes() || result.NodeNames.Has(node.Node().Name)) {
		if a.profile.RunFilterPluginsWithNominatedPods(ctx, a.state, a.object(), node).IsSuccess() {
			if feasible, err = c.filterByExtenders(a.object(), []fwk.NodeInfo{node}, fit); err != nil {
				return "", err
			}
		}
	}
	if len(feasible) == 0 {
		if feasible, err = c.filter(ctx, a, fit, result, restricting); err != nil {
			return "", err
		}
	}
	switch len(feasible) {
	case 0:
		return "", fit
	case 1:
		return feasible[0].Node().Name, nil
	}
	totals, err := c.score(ctx, a, feasible)
	if err != nil {
		return "", err
	}
	best := pickBest(totals, c.random)
	return feasible[best].Node().Name, nil
}

// preFilterError turns a refusal by PreFilter into the error of the attempt.
func (c *Cycle) preFilterError(fit *FitError, status *fwk.Status) error {
	if status.IsSuccess() {
		return nil
	}
	if !status.IsRejected() {
		return status.AsError()
	}
	fit.PreFilter = status.Message()
	fit.Statuses.absent = status
	fit.blame(status)
	return fit
}

func (c *Cycle) nominatedNode(pod *v1.Pod) fwk.NodeInfo {
	if pod.Status.NominatedNodeName == "" {
		return nil
	}
	if slot, ok := c.cfg.Snapshot.SlotOf(pod.Status.NominatedNodeName); ok {
		return c.cfg.Snapshot.At(slot)
	}
	return nil
}

// filter looks at nodes, each time starting where the last search ended so that all get their turn.
func (c *Cycle) filter(ctx context.Context, a *attempt, fit *FitError, result *fwk.PreFilterResult, restricting sets.Set[string]) ([]fwk.NodeInfo, error) {
	nodes := c.cfg.Snapshot.ListAll()
	if !result.AllNodes() {
		nodes = nil
		for name := range result.NodeNames {
			if slot, ok := c.cfg.Snapshot.SlotOf(name); ok {
				nodes = append(nodes, c.cfg.Snapshot.At(slot))
			}
		}
		fit.Statuses.absent = fwk.NewStatus(fwk.UnschedulableAndUnresolvable, fmt.Sprintf("node(s) didn't satisfy plugin(s) %v", sets.List(restricting)))
		fit.Unschedulable = fit.Unschedulable.Union(restricting)
	}
	want := nodesToFind(c.percentage(a), len(nodes))
	if !c.scores(a.object(), a) {
		want = 1
	}
	found, statuses, err := c.check(ctx, a, nodes, want, func(ctx context.Context, node fwk.NodeInfo) *fwk.Status {
		return a.profile.RunFilterPluginsWithNominatedPods(ctx, a.state, a.object(), node)
	})
	if err != nil {
		return nil, err
	}
	fit.Statuses.bySlot = statuses
	for _, status := range statuses {
		if status != nil {
			fit.blame(status)
		}
	}
	return c.filterByExtenders(a.object(), found, fit)
}

// check asks one question of nodes in parallel until want said yes. Statuses are by slot.
func (c *Cycle) check(ctx context.Context, a *attempt, nodes []fwk.NodeInfo, want int, ask func(context.Context, fwk.NodeInfo) *fwk.Status) ([]fwk.NodeInfo, []*fwk.Status, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var failed *fwk.Status
	var count, looked atomic.Int32
	found := make([]fwk.NodeInfo, want)
	statuses := make([]*fwk.Status, c.cfg.Snapshot.Len())
	c.cfg.Parallelizer.Until(ctx, len(nodes), func(i int) {
		node := nodes[(c.nextStart+i)%len(nodes)]
		looked.Add(1)
		status := ask(ctx, node)
		switch {
		case status.IsSuccess():
			n := int(count.Add(1))
			if n > want {
				count.Add(-1)
				cancel()
				return
			}
			found[n-1] = node
			if n == want {
				cancel()
			}
		case status.IsError():
			mu.Lock()
			failed = status
			mu.Unlock()
			cancel()
		default:
			if slot, ok := c.cfg.Snapshot.SlotOf(node.Node().Name); ok {
				statuses[slot] = status
			}
		}
	}, "Filter")
	if failed != nil {
		return nil, nil, failed.AsError()
	}
	if len(nodes) > 0 {
		c.nextStart = (c.nextStart + int(looked.Load())) % len(nodes)
	}
	return found[:min(int(count.Load()), want)], statuses, nil
}

func (c *Cycle) percentage(a *attempt) int32 {
	if own := a.profile.PercentageOfNodesToScore(); own != nil {
		return *own
	}
	return c.cfg.PercentageOfNodesToScore
}

// scores tells whether it matters which of several fitting nodes is taken.
func (c *Cycle) scores(pod *v1.Pod, a *attempt) bool {
	if len(a.profile.ScorePlugins()) > 0 {
		return true
	}
	for _, extender := range c.cfg.Extenders {
		if extender.IsPrioritizer() && extender.IsInterested(pod) {
			return true
		}
	}
	return false
}

func (c *Cycle) filterByExtenders(pod *v1.Pod, nodes []fwk.NodeInfo, fit *FitError) ([]fwk.NodeInfo, error) {
	for _, extender := range c.cfg.Extenders {
		if len(nodes) == 0 {
			break
		}
		if !extender.IsInterested(pod) || !extender.IsFilter() {
			continue
		}
		kept, failed, unresolvable, err := extender.Filter(pod, nodes)
		if err != nil {
			if extender.IsIgnorable() {
				c.cfg.Logger.Info("Skipping extender that returned an error and is ignorable", "extender", extender.Name(), "err", err)
				continue
			}
			return nil, fmt.Errorf("filtering by extender %s: %w", extender.Name(), err)
		}
		c.noteExtender(fit, failed, fwk.Unschedulable)
		c.noteExtender(fit, unresolvable, fwk.UnschedulableAndUnresolvable)
		nodes = kept
	}
	return nodes, nil
}

func (c *Cycle) noteExtender(fit *FitError, failed extenderv1.FailedNodesMap, code fwk.Code) {
	for name, reason := range failed {
		if slot, ok := c.cfg.Snapshot.SlotOf(name); ok {
			if fit.Statuses.bySlot == nil {
				fit.Statuses.bySlot = make([]*fwk.Status, c.cfg.Snapshot.Len())
			}
			fit.Statuses.bySlot[slot] = fwk.NewStatus(code, reason)
		}
	}
}

// score adds up what plugins and extenders think of each node.
func (c *Cycle) score(ctx context.Context, a *attempt, nodes []fwk.NodeInfo) ([]int64, error) {
	if status := a.profile.RunPreScorePlugins(ctx, a.state, a.object(), nodes); !status.IsSuccess() {
		return nil, status.AsError()
	}
	scores, status := a.profile.RunScorePlugins(ctx, a.state, a.object(), nodes)
	if !status.IsSuccess() {
		return nil, status.AsError()
	}
	totals := make([]int64, len(nodes))
	index := make(map[string]int, len(nodes))
	for i := range scores {
		totals[i] = scores[i].TotalScore
		index[scores[i].Name] = i
	}
	for _, extender := range c.cfg.Extenders {
		if !extender.IsPrioritizer() || !extender.IsInterested(a.object()) {
			continue
		}
		list, weight, err := extender.Prioritize(a.object(), nodes)
		if err != nil {
			// Without the opinion of an extender the others still decide.
			c.cfg.Logger.V(4).Info("Extender did not score", "extender", extender.Name(), "err", err)
			continue
		}
		for _, one := range *list {
			if i, ok := index[one.Host]; ok {
				totals[i] += one.Score * weight * (fwk.MaxNodeScore / extenderv1.MaxExtenderPriority)
			}
		}
	}
	return totals, nil
}
