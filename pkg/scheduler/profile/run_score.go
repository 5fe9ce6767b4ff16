package profile

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// RunPreScorePlugins prepares scoring of the nodes that passed.
func (p *Profile) RunPreScorePlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	return p.RunPreScore(ctx, state, pod, nodes, nil)
}

// RunPreScore is RunPreScorePlugins for the plugins include accepts.
func (p *Profile) RunPreScore(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo, include func(string) bool) (status *fwk.Status) {
	start := time.Now()
	defer func() { p.observe("PreScore", status, start) }()
	skip := sets.New[string]()
	for _, plugin := range p.preScore {
		if include != nil && !include(plugin.Name()) {
			continue
		}
		status := plugin.PreScore(ctx, state, pod, nodes)
		if status.IsSkip() {
			skip.Insert(plugin.Name())
			continue
		}
		if !status.IsSuccess() {
			return fwk.AsStatus(fmt.Errorf("running PreScore plugin %q: %w", plugin.Name(), status.AsError()))
		}
	}
	state.SetSkipScorePlugins(skip)
	return nil
}

// RunScorePlugins scores every node with every plugin, and adds up the weighted, normalized scores.
func (p *Profile) RunScorePlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) ([]fwk.NodePluginScores, *fwk.Status) {
	start := time.Now()
	out := make([]fwk.NodePluginScores, len(nodes))
	for i := range nodes {
		out[i].Name = nodes[i].Node().Name
	}
	var status *fwk.Status
	defer func() { p.observe("Score", status, start) }()
	for _, plugin := range p.score {
		if state.GetSkipScorePlugins().Has(plugin.Name()) {
			continue
		}
		var scores fwk.NodeScoreList
		if scores, status = p.ScoreWith(ctx, plugin, state, pod, nodes); !status.IsSuccess() {
			return nil, status
		}
		weight := p.Weight(plugin.Name())
		for i := range scores {
			out[i].Scores = append(out[i].Scores, fwk.PluginScore{Name: plugin.Name(), Score: scores[i].Score * weight})
			out[i].TotalScore += scores[i].Score * weight
		}
	}
	return out, nil
}

// ScoreWith scores the nodes with one plugin and normalizes.
func (p *Profile) ScoreWith(ctx context.Context, plugin fwk.ScorePlugin, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) (fwk.NodeScoreList, *fwk.Status) {
	scores := make(fwk.NodeScoreList, len(nodes))
	failures := make(chan *fwk.Status, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.cfg.Parallelizer.Until(ctx, len(nodes), func(i int) {
		score, status := plugin.Score(ctx, state, pod, nodes[i])
		if !status.IsSuccess() {
			select {
			case failures <- status:
			default:
			}
			cancel()
			return
		}
		scores[i] = fwk.NodeScore{Name: nodes[i].Node().Name, Score: score}
	}, "Score")
	select {
	case status := <-failures:
		return nil, fwk.AsStatus(fmt.Errorf("plugin %q failed with: %w", plugin.Name(), status.AsError()))
	default:
	}
	return scores, p.Normalize(ctx, plugin, state, pod, scores)
}

// Normalize lets the plugin bring its raw scores into range, and checks that they are.
func (p *Profile) Normalize(ctx context.Context, plugin fwk.ScorePlugin, state fwk.CycleState, pod *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	if extensions := plugin.ScoreExtensions(); extensions != nil {
		if status := extensions.NormalizeScore(ctx, state, pod, scores); !status.IsSuccess() {
			return fwk.AsStatus(fmt.Errorf("normalizing scores of plugin %q: %w", plugin.Name(), status.AsError()))
		}
	}
	for i := range scores {
		if scores[i].Score > fwk.MaxNodeScore || scores[i].Score < fwk.MinNodeScore {
			return fwk.AsStatus(fmt.Errorf("plugin %q returns an invalid score %v, it should in the range of [%v, %v] after normalizing",
				plugin.Name(), scores[i].Score, fwk.MinNodeScore, fwk.MaxNodeScore))
		}
	}
	return nil
}
