// Package nodeunschedulable keeps pods off cordoned nodes unless they tolerate that.
package nodeunschedulable

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "NodeUnschedulable"

// ErrReason is what users see.
const ErrReason = "node(s) were unschedulable"

// Plugin filters by spec.unschedulable of the node.
type Plugin struct{}

var (
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New makes the plugin.
func New(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return &Plugin{}, nil }

func (*Plugin) Name() string { return Name }
func (*Plugin) NodeLocal()   {}

// SignPod signs the tolerations.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.TolerationsSignerName, Value: fwk.TolerationsSigner(pod)}}, nil
}

// Filter refuses cordoned nodes.
func (*Plugin) Filter(_ context.Context, _ fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	if !info.Node().Spec.Unschedulable || tolerates(klog.Logger{}, pod) {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReason)
}

func tolerates(logger klog.Logger, pod *v1.Pod) bool {
	return corev1helpers.TolerationsTolerateTaint(logger, pod.Spec.Tolerations,
		&v1.Taint{Key: v1.TaintNodeUnschedulable, Effect: v1.TaintEffectNoSchedule}, false)
}

// EventsToRegister asks for nodes that are or become open, and for the pod's own tolerations.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{
		Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeTaint},
		QueueingHintFn: func(_ klog.Logger, _ *v1.Pod, old, new any) (fwk.QueueingHint, error) {
			before, _ := old.(*v1.Node)
			after, ok := new.(*v1.Node)
			if ok && !after.Spec.Unschedulable && (before == nil || before.Spec.Unschedulable) {
				return fwk.Queue, nil
			}
			return fwk.QueueSkip, nil
		},
	}, {
		Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.UpdatePodToleration},
		QueueingHintFn: func(logger klog.Logger, pod *v1.Pod, _, new any) (fwk.QueueingHint, error) {
			if updated, ok := new.(*v1.Pod); ok && updated.UID == pod.UID && tolerates(logger, updated) {
				return fwk.Queue, nil
			}
			return fwk.QueueSkip, nil
		},
	}}, nil
}
