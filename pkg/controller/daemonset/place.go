package daemonset

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// template returns the pod of the set before it is bound to a node: with the tolerations that let a daemon run on a node in
// trouble.
func template(ds *appsv1.DaemonSet) *v1.PodTemplateSpec {
	t := ds.Spec.Template.DeepCopy()
	keys := []struct {
		key    string
		effect v1.TaintEffect
	}{
		{v1.TaintNodeNotReady, v1.TaintEffectNoExecute},
		{v1.TaintNodeUnreachable, v1.TaintEffectNoExecute},
		{v1.TaintNodeDiskPressure, v1.TaintEffectNoSchedule},
		{v1.TaintNodeMemoryPressure, v1.TaintEffectNoSchedule},
		{v1.TaintNodePIDPressure, v1.TaintEffectNoSchedule},
		{v1.TaintNodeUnschedulable, v1.TaintEffectNoSchedule},
		{v1.TaintNodeNetworkUnavailable, v1.TaintEffectNoSchedule},
	}
	for _, k := range keys {
		if k.key == v1.TaintNodeNetworkUnavailable && !t.Spec.HostNetwork {
			continue // without the host's network it needs the node's
		}
		tol := v1.Toleration{Key: k.key, Operator: v1.TolerationOpExists, Effect: k.effect}
		if !slices.Contains(t.Spec.Tolerations, tol) {
			t.Spec.Tolerations = append(t.Spec.Tolerations, tol)
		}
	}
	return t
}

// placement says what a set's pod may do on a node.
type placement struct{ run, stay bool }

// place compares the node with the pod's node name, selector, affinity and tolerations. A pod may stay in spite of NoSchedule.
func place(t *v1.PodTemplateSpec, n *v1.Node) placement {
	if t.Spec.NodeName != "" && t.Spec.NodeName != n.Name {
		return placement{}
	}
	pod := &v1.Pod{ObjectMeta: t.ObjectMeta, Spec: t.Spec}
	if ok, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(n); err != nil || !ok {
		return placement{}
	}
	p := placement{true, true}
	for i := range n.Spec.Taints {
		taint := &n.Spec.Taints[i]
		if taint.Effect == v1.TaintEffectPreferNoSchedule || slices.ContainsFunc(t.Spec.Tolerations, func(tol v1.Toleration) bool {
			return tol.ToleratesTaint(klog.Background(), taint, false)
		}) {
			continue
		}
		p.run = false
		if taint.Effect == v1.TaintEffectNoExecute {
			p.stay = false
		}
	}
	return p
}

// bind makes the scheduler place the pod on that node only. The set's own affinity has decided already.
func bind(spec *v1.PodSpec, node string) {
	if spec.Affinity == nil {
		spec.Affinity = &v1.Affinity{}
	}
	if spec.Affinity.NodeAffinity == nil {
		spec.Affinity.NodeAffinity = &v1.NodeAffinity{}
	}
	spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
		MatchFields: []v1.NodeSelectorRequirement{{Key: "metadata.name", Operator: v1.NodeSelectorOpIn, Values: []string{node}}},
	}}}
}

// nodeOf returns the node the pod is on, or will be.
func nodeOf(p *v1.Pod) string {
	if p.Spec.NodeName != "" || p.Spec.Affinity == nil || p.Spec.Affinity.NodeAffinity == nil {
		return p.Spec.NodeName
	}
	required := p.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if required == nil {
		return ""
	}
	for _, term := range required.NodeSelectorTerms {
		for _, f := range term.MatchFields {
			if f.Key == "metadata.name" && f.Operator == v1.NodeSelectorOpIn && len(f.Values) == 1 {
				return f.Values[0]
			}
		}
	}
	return ""
}
