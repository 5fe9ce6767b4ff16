// Package defaultpreemption makes room for pods of higher priority; how is in package preemption.
package defaultpreemption

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/scheduler/preemption"
)

// Name is the plugin's name in configurations.
const Name = "DefaultPreemption"

// Plugin preempts.
type Plugin struct {
	evaluator *preemption.Evaluator
}

var (
	_ fwk.PostFilterPlugin  = &Plugin{}
	_ fwk.PreEnqueuePlugin  = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
)

// New makes the plugin.
func New(ctx context.Context, object runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	args, ok := object.(*configv1.DefaultPreemptionArgs)
	if !ok {
		return nil, fmt.Errorf("want args of type DefaultPreemptionArgs, got %T", object)
	}
	return &Plugin{evaluator: &preemption.Evaluator{
		Handle:        handle,
		Budgets:       handle.SharedInformerFactory().Policy().V1().PodDisruptionBudgets().Lister(),
		MinPercentage: ptr.Deref(args.MinCandidateNodesPercentage, 0), MinAbsolute: ptr.Deref(args.MinCandidateNodesAbsolute, 0),
		Executor: preemption.NewExecutor(handle, Name, klog.FromContext(ctx)),
	}}, nil
}

func (*Plugin) Name() string { return Name }

// PostFilter tries to make room.
func (p *Plugin) PostFilter(ctx context.Context, cycle fwk.CycleState, pod *v1.Pod, refused fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	result, status := p.evaluator.Evaluate(ctx, cycle, pod, refused)
	if message := status.Message(); message != "" && !status.IsError() {
		return result, fwk.NewStatus(status.Code(), "preemption: "+message)
	}
	return result, status
}

// PreEnqueue keeps the pod away while its victims are being evicted.
func (p *Plugin) PreEnqueue(_ context.Context, pod *v1.Pod) *fwk.Status {
	if !p.evaluator.Executor.Busy(pod.UID) {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "waiting for the preemption for this pod to be finished")
}

// EventsToRegister asks for pods that go; the end of an eviction itself activates the pod.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{
		Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete},
	}}, nil
}
