package cycle

import (
	"context"

	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// findInClass decides on a pod with what its class knows; only plugins that look beyond one node are run.
func (c *Cycle) findInClass(ctx context.Context, a *attempt, k *class) (string, error) {
	s := c.cfg.Snapshot
	others := func(name string) bool { return !a.profile.IsLocal(name) }
	outcome := a.profile.RunPreFilterPlugins(ctx, a.state, a.object(), others)
	fit := newFitError(s)
	if err := c.preFilterError(fit, outcome.Status); err != nil {
		c.completeState(ctx, a)
		return "", err
	}
	if !outcome.Result.AllNodes() {
		// Few nodes come into question: look at those alone.
		c.completeState(ctx, a)
		return c.findAmong(ctx, a, fit, outcome.Result, outcome.Restricting)
	}
	_, filters, _, scorers := a.profile.Split()
	filters = active(filters, a.state.GetSkipFilterPlugins().Has)
	blocked := c.blocked(ctx, a)

	if slot, ok := c.nominatedSlot(a); ok && k.status[slot] == nil && blocked[slot] == nil &&
		a.profile.RunFilters(ctx, a.state, a.object(), s.At(slot), filters).IsSuccess() {
		return s.At(slot).Node().Name, nil
	}
	if k.feasible == 0 {
		return "", c.refuseAll(ctx, a, k, fit, k.status)
	}
	if len(filters) == 0 {
		if status := a.profile.RunPreScore(ctx, a.state, a.object(), k.nodes(s), others); !status.IsSuccess() {
			return "", status.AsError()
		}
		if scorers = active(scorers, a.state.GetSkipScorePlugins().Has); len(scorers) == 0 {
			totals := k.total
			if len(blocked) > 0 {
				totals = append([]int64(nil), totals...)
				for slot := range blocked {
					totals[slot] = closed
				}
			}
			if best := pickBest(totals, c.random); best >= 0 {
				return s.At(best).Node().Name, nil
			}
		}
	}
	return c.findBeyond(ctx, a, k, fit, filters, blocked)
}

// findBeyond runs the plugins that look beyond one node on the nodes the class lets through.
func (c *Cycle) findBeyond(ctx context.Context, a *attempt, k *class, fit *FitError, filters []fwk.FilterPlugin, blocked map[int]*fwk.Status) (string, error) {
	nodes := k.nodes(c.cfg.Snapshot)
	found, refused, err := c.check(ctx, a, nodes, nodesToFind(c.percentage(a), len(nodes)), func(ctx context.Context, node fwk.NodeInfo) *fwk.Status {
		if status := blocked[node.(*cache.NodeInfo).Slot]; status != nil {
			return status
		}
		return a.profile.RunFilters(ctx, a.state, a.object(), node, filters)
	})
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		merged := make([]*fwk.Status, len(k.status))
		copy(merged, k.status)
		for slot, status := range refused {
			if status != nil {
				merged[slot] = status
				fit.blame(status)
			}
		}
		return "", c.refuseAll(ctx, a, k, fit, merged)
	}
	if len(found) == 1 {
		return found[0].Node().Name, nil
	}
	others := func(name string) bool { return !a.profile.IsLocal(name) }
	if status := a.profile.RunPreScore(ctx, a.state, a.object(), found, others); !status.IsSuccess() {
		return "", status.AsError()
	}
	totals, err := k.totalsOf(ctx, found)
	if err != nil {
		return "", err
	}
	_, _, _, scorers := a.profile.Split()
	for _, plugin := range active(scorers, a.state.GetSkipScorePlugins().Has) {
		scores, status := a.profile.ScoreWith(ctx, plugin, a.state, a.object(), found)
		if !status.IsSuccess() {
			return "", status.AsError()
		}
		weight := a.profile.Weight(plugin.Name())
		for i := range scores {
			totals[i] += scores[i].Score * weight
		}
	}
	return found[pickBest(totals, c.random)].Node().Name, nil
}

// totalsOf adds up the class's scores of some nodes, normalized among just those.
func (k *class) totalsOf(ctx context.Context, nodes []fwk.NodeInfo) ([]int64, error) {
	totals := make([]int64, len(nodes))
	for _, scorer := range k.scorers {
		if !scorer.normalizes || scorer.uniform {
			for i, node := range nodes {
				totals[i] += scorer.norm[node.(*cache.NodeInfo).Slot] * scorer.weight
			}
			continue
		}
		scores := make(fwk.NodeScoreList, len(nodes))
		for i, node := range nodes {
			scores[i] = fwk.NodeScore{Name: node.Node().Name, Score: scorer.raw[node.(*cache.NodeInfo).Slot]}
		}
		if status := k.prof.Normalize(ctx, scorer.plugin, k.state, k.pod, scores); !status.IsSuccess() {
			return nil, status.AsError()
		}
		for i := range scores {
			totals[i] += scores[i].Score * scorer.weight
		}
	}
	return totals, nil
}

// refuseAll completes the error of a pod no node takes.
func (c *Cycle) refuseAll(ctx context.Context, a *attempt, k *class, fit *FitError, statuses []*fwk.Status) error {
	fit.Statuses.bySlot = statuses
	for plugin, count := range k.refused {
		if count > 0 && plugin != "" {
			fit.Unschedulable.Insert(plugin)
		}
	}
	if k.feasible == 0 {
		// All refusals are the class's own: the text is the same for every pod of it until a node changes.
		fit.cached = &k.message
	}
	c.completeState(ctx, a)
	return fit
}

// completeState runs the local plugins' PreFilter for the pod itself, because PostFilter may run all filters.
func (c *Cycle) completeState(ctx context.Context, a *attempt) {
	outcome := a.profile.RunPreFilterPlugins(ctx, a.state, a.object(), a.profile.IsLocal)
	if !outcome.Status.IsSuccess() {
		c.cfg.Logger.V(4).Info("PreFilter of a pod whose class passed it", "status", outcome.Status.Message())
	}
}

// blocked are the nodes where pods nominated before this one need the room.
func (c *Cycle) blocked(ctx context.Context, a *attempt) map[int]*fwk.Status {
	var out map[int]*fwk.Status
	complete := false
	for _, name := range c.cfg.Nominator.Nodes() {
		slot, ok := c.cfg.Snapshot.SlotOf(name)
		if !ok || c.cfg.Nominator.NodeOf(a.object().UID) == name && len(c.cfg.Nominator.NominatedPodsForNode(name)) == 1 {
			continue
		}
		if !complete {
			c.completeState(ctx, a)
			complete = true
		}
		if status := a.profile.RunFilterPluginsWithNominatedPods(ctx, a.state, a.object(), c.cfg.Snapshot.At(slot)); !status.IsSuccess() {
			if out == nil {
				out = map[int]*fwk.Status{}
			}
			out[slot] = status
		}
	}
	return out
}

func (c *Cycle) nominatedSlot(a *attempt) (int, bool) {
	if a.object().Status.NominatedNodeName == "" {
		return 0, false
	}
	return c.cfg.Snapshot.SlotOf(a.object().Status.NominatedNodeName)
}

func active[T fwk.Plugin](plugins []T, skipped func(string) bool) []T {
	var out []T
	for _, plugin := range plugins {
		if !skipped(plugin.Name()) {
			out = append(out, plugin)
		}
	}
	return out
}
