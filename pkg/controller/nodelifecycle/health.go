package nodelifecycle

import (
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// reported are the conditions that a kubelet must report: silent, all of them are unknown.
var reported = []v1.NodeConditionType{v1.NodeReady, v1.NodeMemoryPressure, v1.NodeDiskPressure, v1.NodePIDPressure}

// reasonStatusUnknown and its sibling are what this controller writes, so they are no heartbeat.
const (
	reasonStatusUnknown = "NodeStatusUnknown"
	reasonNeverUpdated  = "NodeStatusNeverUpdated"
)

// expires returns when a node is to be called unknown if nothing is heard until then.
func expires(n *v1.Node, heard time.Time, s Settings) time.Time {
	if condition(n, v1.NodeReady) == nil {
		// Not reported yet: the time of registration counts, by the server's clock, as upstream.
		return later(n.CreationTimestamp.Time, heard).Add(s.StartupGracePeriod)
	}
	return heard.Add(s.MonitorGracePeriod)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// unknownConditions returns the conditions of a silent node, and whether they differ from what it has.
func unknownConditions(n *v1.Node, now metav1.Time) ([]v1.NodeCondition, bool) {
	out := slices.Clone(n.Status.Conditions)
	changed := false
	for _, kind := range reported {
		i := slices.IndexFunc(out, func(c v1.NodeCondition) bool { return c.Type == kind })
		switch {
		case i < 0:
			out = append(out, v1.NodeCondition{Type: kind, Status: v1.ConditionUnknown, Reason: reasonNeverUpdated,
				Message: "Kubelet never posted node status.", LastHeartbeatTime: n.CreationTimestamp, LastTransitionTime: now})
			changed = true
		case out[i].Status != v1.ConditionUnknown:
			out[i].Status, out[i].Reason, out[i].LastTransitionTime = v1.ConditionUnknown, reasonStatusUnknown, now
			out[i].Message = "Kubelet stopped posting node status."
			changed = true
		}
	}
	return out, changed
}

// heartbeat tells whether the update of a node came from its kubelet.
func heartbeat(old, n *v1.Node) bool {
	a, b := condition(old, v1.NodeReady), condition(n, v1.NodeReady)
	if b == nil || b.Reason == reasonStatusUnknown || b.Reason == reasonNeverUpdated {
		return false
	}
	return a == nil || !a.LastHeartbeatTime.Equal(&b.LastHeartbeatTime) || a.Status != b.Status
}

func conditionsDiffer(old, n *v1.Node) bool {
	return !slices.EqualFunc(old.Status.Conditions, n.Status.Conditions, func(a, b v1.NodeCondition) bool {
		return a.Type == b.Type && a.Status == b.Status
	})
}

func condition(n *v1.Node, kind v1.NodeConditionType) *v1.NodeCondition {
	for i := range n.Status.Conditions {
		if n.Status.Conditions[i].Type == kind {
			return &n.Status.Conditions[i]
		}
	}
	return nil
}

// readiness is the status of the Ready condition; not reported counts as Unknown.
func readiness(n *v1.Node) v1.ConditionStatus {
	if c := condition(n, v1.NodeReady); c != nil {
		return c.Status
	}
	return v1.ConditionUnknown
}
