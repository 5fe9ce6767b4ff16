// Package tainttoleration keeps pods off nodes with taints they do not tolerate, and prefers nodes with fewer taints of the
// softer kind.
package tainttoleration

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/plugins/normalize"
)

// Name is the plugin's name in configurations.
const Name = "TaintToleration"

// ErrReason is what users see.
const ErrReason = "node(s) had untolerated taint(s)"

// Plugin filters and scores by taints.
type Plugin struct{}

var (
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.ScorePlugin       = &Plugin{}
	_ fwk.ScoreExtensions   = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New makes the plugin.
func New(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return &Plugin{}, nil }

func (*Plugin) Name() string                           { return Name }
func (*Plugin) NodeLocal()                             {}
func (p *Plugin) ScoreExtensions() fwk.ScoreExtensions { return p }

// SignPod signs the tolerations.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.TolerationsSignerName, Value: fwk.TolerationsSigner(pod)}}, nil
}

// Filter refuses nodes with a taint that keeps or drives the pod away.
func (*Plugin) Filter(_ context.Context, _ fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	_, refused := untolerated(klog.Logger{}, info.Node(), pod.Spec.Tolerations)
	if !refused {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReason)
}

func untolerated(logger klog.Logger, node *v1.Node, tolerations []v1.Toleration) (v1.Taint, bool) {
	if len(node.Spec.Taints) == 0 {
		return v1.Taint{}, false
	}
	return corev1helpers.FindMatchingUntoleratedTaint(logger, node.Spec.Taints, tolerations, func(taint *v1.Taint) bool {
		return taint.Effect == v1.TaintEffectNoSchedule || taint.Effect == v1.TaintEffectNoExecute
	}, false)
}

// Score counts the soft taints the pod does not tolerate.
func (*Plugin) Score(_ context.Context, _ fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	count := int64(0)
	for i := range info.Node().Spec.Taints {
		taint := &info.Node().Spec.Taints[i]
		if taint.Effect == v1.TaintEffectPreferNoSchedule && !toleratesSoftly(pod.Spec.Tolerations, taint) {
			count++
		}
	}
	return count, nil
}

func toleratesSoftly(tolerations []v1.Toleration, taint *v1.Taint) bool {
	for i := range tolerations {
		toleration := &tolerations[i]
		if (toleration.Effect == "" || toleration.Effect == v1.TaintEffectPreferNoSchedule) && toleration.ToleratesTaint(klog.Logger{}, taint, false) {
			return true
		}
	}
	return false
}

// NormalizeScore turns few taints into a high score.
func (*Plugin) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	return normalize.ByMax(true, scores)
}

// EventsToRegister asks for nodes whose taints the pod tolerates now, and for the pod's own tolerations.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{
		Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeTaint},
		QueueingHintFn: func(logger klog.Logger, pod *v1.Pod, old, new any) (fwk.QueueingHint, error) {
			after, ok := new.(*v1.Node)
			if !ok {
				return fwk.Queue, fmt.Errorf("expected a node, got %T", new)
			}
			wasRefused := true
			if before, ok := old.(*v1.Node); ok {
				_, wasRefused = untolerated(logger, before, pod.Spec.Tolerations)
			}
			if _, refused := untolerated(logger, after, pod.Spec.Tolerations); wasRefused && !refused {
				return fwk.Queue, nil
			}
			return fwk.QueueSkip, nil
		},
	}, {
		Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.UpdatePodToleration},
		QueueingHintFn: func(_ klog.Logger, pod *v1.Pod, _, new any) (fwk.QueueingHint, error) {
			if updated, ok := new.(*v1.Pod); ok && updated.UID == pod.UID {
				return fwk.Queue, nil
			}
			return fwk.QueueSkip, nil
		},
	}}, nil
}
