package nodelifecycle

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// managed are the keys of NoSchedule taints that this controller sets and removes; others are not its business.
var managed = []string{v1.TaintNodeNotReady, v1.TaintNodeUnreachable, v1.TaintNodeMemoryPressure, v1.TaintNodeDiskPressure,
	v1.TaintNodePIDPressure, v1.TaintNodeNetworkUnavailable, v1.TaintNodeUnschedulable}

// noSchedule returns the keys that the node's conditions and spec ask for.
func noSchedule(n *v1.Node) []string {
	var keys []string
	for _, c := range n.Status.Conditions {
		switch {
		case c.Type == v1.NodeReady && c.Status == v1.ConditionFalse:
			keys = append(keys, v1.TaintNodeNotReady)
		case c.Type == v1.NodeReady && c.Status == v1.ConditionUnknown:
			keys = append(keys, v1.TaintNodeUnreachable)
		case c.Status != v1.ConditionTrue:
		case c.Type == v1.NodeMemoryPressure:
			keys = append(keys, v1.TaintNodeMemoryPressure)
		case c.Type == v1.NodeDiskPressure:
			keys = append(keys, v1.TaintNodeDiskPressure)
		case c.Type == v1.NodePIDPressure:
			keys = append(keys, v1.TaintNodePIDPressure)
		case c.Type == v1.NodeNetworkUnavailable:
			keys = append(keys, v1.TaintNodeNetworkUnavailable)
		}
	}
	if n.Spec.Unschedulable {
		keys = append(keys, v1.TaintNodeUnschedulable)
	}
	return keys
}

// noExecute returns the key that makes pods leave, or "".
func noExecute(n *v1.Node) string {
	c := condition(n, v1.NodeReady)
	switch {
	case c == nil:
		return ""
	case c.Status == v1.ConditionFalse:
		return v1.TaintNodeNotReady
	case c.Status == v1.ConditionUnknown:
		return v1.TaintNodeUnreachable
	}
	return ""
}

// taintsWith returns the node's taints with those of this controller as they should be. Execute is the NoExecute key to set,
// "" for none, or keep for leaving what is there.
func taintsWith(n *v1.Node, execute string, now metav1.Time) (taints []v1.Taint, changed bool) {
	want := noSchedule(n)
	has := func(key string, effect v1.TaintEffect) bool {
		return slices.ContainsFunc(taints, func(t v1.Taint) bool { return t.Key == key && t.Effect == effect })
	}
	for _, t := range n.Spec.Taints {
		switch {
		case t.Effect == v1.TaintEffectNoSchedule && slices.Contains(managed, t.Key) && !slices.Contains(want, t.Key),
			execute != keep && t.Effect == v1.TaintEffectNoExecute && (t.Key == v1.TaintNodeNotReady || t.Key == v1.TaintNodeUnreachable) && t.Key != execute:
			changed = true
		default:
			taints = append(taints, t)
		}
	}
	for _, key := range want {
		if !has(key, v1.TaintEffectNoSchedule) {
			taints, changed = append(taints, v1.Taint{Key: key, Effect: v1.TaintEffectNoSchedule, TimeAdded: &now}), true
		}
	}
	if execute != keep && execute != "" && !has(execute, v1.TaintEffectNoExecute) {
		taints, changed = append(taints, v1.Taint{Key: execute, Effect: v1.TaintEffectNoExecute, TimeAdded: &now}), true
	}
	return taints, changed
}

const keep = "keep"

func hasExecute(n *v1.Node, key string) bool {
	return slices.ContainsFunc(n.Spec.Taints, func(t v1.Taint) bool { return t.Key == key && t.Effect == v1.TaintEffectNoExecute })
}
