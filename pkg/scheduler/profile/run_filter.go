package profile

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
)

// RunPreEnqueue returns the first refusal, nil when the pod may enter the queue.
func (p *Profile) RunPreEnqueue(ctx context.Context, pod *v1.Pod) *fwk.Status {
	for _, plugin := range p.preEnqueue {
		if status := plugin.PreEnqueue(ctx, pod); !status.IsSuccess() {
			status.SetPlugin(plugin.Name())
			return status
		}
	}
	return nil
}

// PreFilterOutcome is what RunPreFilterPlugins found.
type PreFilterOutcome struct {
	// Result restricts the nodes worth looking at.
	Result *fwk.PreFilterResult
	Status *fwk.Status
	// Restricting are the plugins behind Result, to blame when no node is left.
	Restricting sets.Set[string]
}

// RunPreFilterPlugins runs the plugins that include accepts (all when nil) and adds those that skip to the state's set.
func (p *Profile) RunPreFilterPlugins(ctx context.Context, state *CycleState, pod *v1.Pod, include func(name string) bool) PreFilterOutcome {
	start := time.Now()
	out := PreFilterOutcome{Restricting: sets.New[string]()}
	defer func() { p.observe("PreFilter", out.Status, start) }()
	skip := sets.New[string]()
	for _, plugin := range p.preFilter {
		name := plugin.Name()
		if include != nil && !include(name) {
			continue
		}
		result, status := plugin.PreFilter(ctx, state, pod, p.cfg.Snapshot.ListAll())
		if status.IsSkip() {
			skip.Insert(name)
			continue
		}
		if !status.IsSuccess() {
			status.SetPlugin(name)
			if status.IsRejected() {
				out.Status = status
			} else {
				out.Status = fwk.AsStatus(fmt.Errorf("running PreFilter plugin %q: %w", name, status.AsError())).WithPlugin(name)
			}
			break
		}
		if !result.AllNodes() {
			out.Restricting.Insert(name)
		}
		out.Result = out.Result.Merge(result)
		if !out.Result.AllNodes() && out.Result.NodeNames.Len() == 0 {
			message := fmt.Sprintf("node(s) didn't satisfy plugin(s) %v simultaneously", sets.List(out.Restricting))
			if out.Restricting.Len() == 1 {
				message = fmt.Sprintf("node(s) didn't satisfy plugin %v", sets.List(out.Restricting)[0])
			}
			out.Status = fwk.NewStatus(fwk.UnschedulableAndUnresolvable, message)
			break
		}
	}
	if previous := state.GetSkipFilterPlugins(); previous != nil {
		skip = skip.Union(previous)
	}
	state.SetSkipFilterPlugins(skip)
	return out
}

// RunFilterPlugins asks the plugins in order whether the pod fits the node, and returns the first refusal.
func (p *Profile) RunFilterPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	return p.runFilter(ctx, state, pod, info, p.filter)
}

func (p *Profile) runFilter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo, plugins []fwk.FilterPlugin) *fwk.Status {
	skip := state.GetSkipFilterPlugins()
	for _, plugin := range plugins {
		if len(skip) > 0 && skip.Has(plugin.Name()) {
			continue
		}
		if status := plugin.Filter(ctx, state, pod, info); !status.IsSuccess() {
			if !status.IsRejected() {
				status = fwk.AsStatus(fmt.Errorf("running %q filter plugin: %w", plugin.Name(), status.AsError()))
			}
			status.SetPlugin(plugin.Name())
			return status
		}
	}
	return nil
}

// RunFilters runs just the given filter plugins.
func (p *Profile) RunFilters(ctx context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo, plugins []fwk.FilterPlugin) *fwk.Status {
	return p.runFilter(ctx, state, pod, info, plugins)
}

// RunFilterPluginsWithNominatedPods asks twice when pods of equal or higher priority are nominated for the node: with
// them counted in, because they will take their place, and without, because affinity to them must not be relied on.
func (p *Profile) RunFilterPluginsWithNominatedPods(ctx context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	nominated := p.nominatedBefore(pod, info)
	if len(nominated) > 0 {
		withState, withInfo := state.Clone(), info.Snapshot()
		for _, other := range nominated {
			withInfo.AddPodInfo(other)
			if status := p.RunPreFilterExtensionAddPod(ctx, withState, pod, other, withInfo); !status.IsSuccess() {
				return status
			}
		}
		if status := p.RunFilterPlugins(ctx, withState, pod, withInfo); !status.IsSuccess() {
			return status
		}
	}
	return p.RunFilterPlugins(ctx, state, pod, info)
}

func (p *Profile) nominatedBefore(pod *v1.Pod, info fwk.NodeInfo) []fwk.PodInfo {
	var out []fwk.PodInfo
	for _, other := range p.NominatedPodsForNode(info.Node().Name) {
		if other.GetPod().UID != pod.UID && corev1helpers.PodPriority(other.GetPod()) >= corev1helpers.PodPriority(pod) {
			out = append(out, other)
		}
	}
	return out
}

// RunPreFilterExtensionAddPod lets plugins count a pod in that they did not see in PreFilter.
func (p *Profile) RunPreFilterExtensionAddPod(ctx context.Context, state fwk.CycleState, pod *v1.Pod, added fwk.PodInfo, info fwk.NodeInfo) *fwk.Status {
	return p.extend(state, func(extensions fwk.PreFilterExtensions) *fwk.Status {
		return extensions.AddPod(ctx, state, pod, added, info)
	})
}

// RunPreFilterExtensionRemovePod lets plugins discount a pod they saw in PreFilter.
func (p *Profile) RunPreFilterExtensionRemovePod(ctx context.Context, state fwk.CycleState, pod *v1.Pod, removed fwk.PodInfo, info fwk.NodeInfo) *fwk.Status {
	return p.extend(state, func(extensions fwk.PreFilterExtensions) *fwk.Status {
		return extensions.RemovePod(ctx, state, pod, removed, info)
	})
}

func (p *Profile) extend(state fwk.CycleState, run func(fwk.PreFilterExtensions) *fwk.Status) *fwk.Status {
	for _, plugin := range p.preFilter {
		extensions := plugin.PreFilterExtensions()
		if extensions == nil || state.GetSkipFilterPlugins().Has(plugin.Name()) {
			continue
		}
		if status := run(extensions); !status.IsSuccess() {
			return fwk.AsStatus(fmt.Errorf("running PreFilter extension of plugin %q: %w", plugin.Name(), status.AsError()))
		}
	}
	return nil
}

// RunPostFilterPlugins asks plugins in order to make room, until one succeeds or says it cannot help any more.
func (p *Profile) RunPostFilterPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	start := time.Now()
	var final *fwk.PostFilterResult
	var reasons []string
	var rejector string
	for _, plugin := range p.postFilter {
		result, status := plugin.PostFilter(ctx, state, pod, statuses)
		switch {
		case status.IsSuccess():
			p.observe("PostFilter", status, start)
			return result, status
		case status.Code() == fwk.UnschedulableAndUnresolvable:
			p.observe("PostFilter", status, start)
			return result, status.WithPlugin(plugin.Name())
		case !status.IsRejected():
			p.observe("PostFilter", status, start)
			return nil, fwk.AsStatus(status.AsError()).WithPlugin(plugin.Name())
		}
		if result != nil && result.Mode() != fwk.ModeNoop {
			final = result
		}
		reasons = append(reasons, status.Reasons()...)
		if rejector == "" {
			rejector = plugin.Name()
		}
	}
	status := fwk.NewStatus(fwk.Unschedulable, reasons...).WithPlugin(rejector)
	p.observe("PostFilter", status, start)
	return final, status
}

func (p *Profile) observe(point string, status *fwk.Status, start time.Time) {
	if p.cfg.Metrics != nil {
		p.cfg.Metrics.ExtensionPointDuration.WithLabelValues(point, p.name, status.Code().String()).Observe(time.Since(start).Seconds())
	}
}
