package profile

import (
	"context"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// maxPermitTimeout bounds how long a Permit plugin may hold a pod.
const maxPermitTimeout = 15 * time.Minute

// RunReserve tells plugins which node was chosen; on a refusal the caller unreserves.
func (p *Profile) RunReserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) (status *fwk.Status) {
	start := time.Now()
	defer func() { p.observe("Reserve", status, start) }()
	for _, plugin := range p.reserve {
		if status := plugin.Reserve(ctx, state, pod, node); !status.IsSuccess() {
			if status.IsRejected() {
				return status.WithPlugin(plugin.Name())
			}
			return fwk.AsStatus(fmt.Errorf("running Reserve plugin %q: %w", plugin.Name(), status.AsError())).WithPlugin(plugin.Name())
		}
	}
	return nil
}

// RunUnreserve undoes RunReserve in reverse order.
func (p *Profile) RunUnreserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) {
	for i := len(p.reserve) - 1; i >= 0; i-- {
		p.reserve[i].Unreserve(ctx, state, pod, node)
	}
}

// RunPermit asks whether the pod may be bound now. With Wait it is put among the waiting pods.
func (p *Profile) RunPermit(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	if len(p.permit) == 0 {
		return nil
	}
	waits := map[string]time.Duration{}
	for _, plugin := range p.permit {
		status, timeout := plugin.Permit(ctx, state, pod, node)
		switch {
		case status.IsSuccess():
		case status.IsRejected():
			return status.WithPlugin(plugin.Name())
		case status.IsWait():
			waits[plugin.Name()] = min(timeout, maxPermitTimeout)
		default:
			return fwk.AsStatus(fmt.Errorf("running Permit plugin %q: %w", plugin.Name(), status.AsError())).WithPlugin(plugin.Name())
		}
	}
	if len(waits) == 0 {
		return nil
	}
	p.cfg.Waiting.add(pod, waits, p.cfg.Clock)
	return fwk.NewStatus(fwk.Wait, fmt.Sprintf("one or more plugins asked to wait and no plugin rejected pod %q", pod.Name))
}

// WaitOnPermit blocks until a waiting pod is allowed or rejected.
func (p *Profile) WaitOnPermit(ctx context.Context, pod *v1.Pod) *fwk.Status {
	held := p.cfg.Waiting.get(pod.UID)
	if held == nil {
		return nil
	}
	defer p.cfg.Waiting.remove(pod.UID)
	start := time.Now()
	var status *fwk.Status
	select {
	case status = <-held.result:
	case <-ctx.Done():
		status = fwk.AsStatus(ctx.Err())
	}
	p.cfg.Metrics.PermitWait.WithLabelValues(status.Code().String()).Observe(time.Since(start).Seconds())
	return status
}

// RunPreBindPreFlight finds out which PreBind plugins have anything to do: Skip means none.
func (p *Profile) RunPreBindPreFlight(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	skip, parallel := sets.New[string](), sets.New[string]()
	for _, plugin := range p.preBind {
		result, status := plugin.PreBindPreFlight(ctx, state, pod, node)
		switch {
		case status.IsSkip():
			skip.Insert(plugin.Name())
		case !status.IsSuccess():
			return fwk.AsStatus(fmt.Errorf("running PreBindPreFlight of plugin %q: %w", plugin.Name(), status.AsError())).WithPlugin(plugin.Name())
		}
		if result != nil && result.AllowParallel {
			parallel.Insert(plugin.Name())
		}
	}
	state.SetSkipPreBindPlugins(skip)
	state.SetParallelPreBindPlugins(parallel)
	if skip.Len() == len(p.preBind) {
		return fwk.NewStatus(fwk.Skip)
	}
	return nil
}

// RunPreBind does what must be done before binding; neighbours that allow it run together.
func (p *Profile) RunPreBind(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	skip, parallel := state.GetSkipPreBindPlugins(), state.GetParallelPreBindPlugins()
	for i := 0; i < len(p.preBind); {
		end := i + 1
		if parallel.Has(p.preBind[i].Name()) {
			for end < len(p.preBind) && parallel.Has(p.preBind[end].Name()) {
				end++
			}
		}
		if status := p.preBindGroup(ctx, state, pod, node, p.preBind[i:end], skip); !status.IsSuccess() {
			return status
		}
		i = end
	}
	return nil
}

func (p *Profile) preBindGroup(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string, group []fwk.PreBindPlugin, skip sets.Set[string]) *fwk.Status {
	statuses := make([]*fwk.Status, len(group))
	var wg sync.WaitGroup
	for i, plugin := range group {
		if skip.Has(plugin.Name()) {
			continue
		}
		run := func() {
			status := plugin.PreBind(ctx, state, pod, node)
			switch {
			case status.IsSuccess():
			case status.IsRejected():
				statuses[i] = status.WithPlugin(plugin.Name())
			default:
				statuses[i] = fwk.AsStatus(fmt.Errorf("running PreBind plugin %q: %w", plugin.Name(), status.AsError())).WithPlugin(plugin.Name())
			}
		}
		if len(group) == 1 {
			run()
			continue
		}
		wg.Go(run)
	}
	wg.Wait()
	for _, status := range statuses {
		if !status.IsSuccess() {
			return status
		}
	}
	return nil
}

// RunBind offers the pod to the bind plugins until one does not skip it.
func (p *Profile) RunBind(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	start := time.Now()
	for _, plugin := range p.bind {
		status := plugin.Bind(ctx, state, pod, node)
		if status.IsSkip() {
			continue
		}
		p.observe("Bind", status, start)
		switch {
		case status.IsSuccess():
			return nil
		case status.IsRejected():
			return status.WithPlugin(plugin.Name())
		}
		return fwk.AsStatus(fmt.Errorf("running Bind plugin %q: %w", plugin.Name(), status.AsError())).WithPlugin(plugin.Name())
	}
	return fwk.NewStatus(fwk.Error, "no bind plugin took the pod")
}

// RunPostBind tells plugins the pod is bound.
func (p *Profile) RunPostBind(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) {
	for _, plugin := range p.postBind {
		plugin.PostBind(ctx, state, pod, node)
	}
}
